"""What a viewer reads when the server itself cannot keep up."""
import pytest
from serving import LaunchedServer
from waiting import until

PARTICLES = 1_000_000
# A tenth of a thirtieth of a second is not enough for a million particles and their encoding on any processor.
BUSY = f"""particlesrc is-live=true device=cpu particles={PARTICLES}
    ! application/x-particle-state(memory:CampaignParticles),framerate=30/1
    ! campaignsink port={{port}} frame-budget=0.1
    ladder="{{{{\\"rungs\\":[{{{{\\"name\\":\\"only\\",\\"threshold\\":0,\\"particles\\":{PARTICLES},\\"width\\":640,\\"height\\":360,\\"bitrate\\":900000}}}}]}}}}" """


@pytest.fixture
def busy_server():
    started = LaunchedServer(BUSY)
    yield started
    started.close()


def test_the_page_says_what_a_busy_server_shows_less_of(browser, busy_server):
    viewer = browser.open(busy_server.page()).await_state("live")
    viewer.keys("s")
    busy = until(lambda: (viewer.known["server"] or {}).get("busy"), 30, "the server says that it is busy")
    assert busy["particles"] < busy["allParticles"] == PARTICLES
    figures = until(lambda: "busy" in (text := viewer.text("figures")) and text, 5, "the statistics say so, too")
    assert f" of {PARTICLES:,} particles" in figures
    viewer.await_new_frames(30, 20)  # fewer, and it goes on
    assert viewer.state == "live"
