"""campaign-server's campaigns in a browser: made when somebody comes, with their state, and a viewer who is sent away."""
import pytest
from serving import HostingServer
from waiting import until

SMALL = {"particles": 20000, "device": "cpu", "ladder": {"rungs": [
    {"name": "low", "threshold": 0, "particles": 20000, "width": 640, "height": 360, "bitrate": 450000}]}}


@pytest.fixture
def hosting():
    server = HostingServer({"on_arrival": {"create": True, "idle_seconds": 0, "campaign": SMALL}})
    yield server
    server.close()


def test_a_campaign_is_made_for_who_comes_first_and_its_state_arrives(browser, hosting):
    viewer = browser.open(hosting.page("wished-for")).await_state("live", 30)
    viewer.await_new_frames(10)
    other = browser.open_another(hosting.page("wished-for")).await_state("live", 20)
    hosting.api("PATCH", "/campaigns/wished-for/state", {"score": {"red": 3}})
    for one in (viewer, other):
        until(lambda page=one: page.ask("return window.campaign.world?.state.score?.red") == 3, 10, "the state arrives")


def test_a_viewer_that_is_removed_is_told_and_does_not_come_back_by_itself(browser, hosting):
    viewer = browser.open(hosting.page("wished-for", peer="guest")).await_state("live", 30)
    hosting.api("DELETE", "/campaigns/wished-for/viewers/guest")
    viewer.await_state("refused", 10)
    assert viewer.text("card-title") == "You were asked to leave"
    viewer.element("card-retry").click()
    viewer.await_state("live", 20)


def test_a_viewer_is_moved_to_another_campaign_and_a_reload_leads_there(browser, hosting):
    hosting.api("PUT", "/campaigns/second", SMALL)
    until(lambda: hosting.api("GET", "/campaigns/second")["status"] == "running", 30, "the second campaign runs")
    viewer = browser.open(hosting.page("first", peer="guest")).await_state("live", 30)
    hosting.api("POST", "/campaigns/first/viewers/guest/move", {"campaign": "second"})
    until(lambda: viewer.ask("return window.campaign.quality?.campaign") == "second", 10, "the second campaign is shown")
    viewer.await_new_frames(10)
    assert "campaign=second" in viewer.ask("return location.search")
