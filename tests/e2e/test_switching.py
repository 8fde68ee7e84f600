"""What a viewer watches can be changed while it plays, without a black frame, a pause, or a new connection."""
import json

import pytest
from selenium.webdriver.support.select import Select
from serving import LaunchedServer
from waiting import until

TWO_WORLDS = """campaignsink name=sink port={port} sink_0::campaign=0 sink_1::campaign=west
    particlesrc is-live=true particles=50000 ! video/x-raw,width=640,height=360,framerate=30/1 ! sink.sink_0
    particlesrc is-live=true particles=50000 scene=benchmark ! video/x-raw,width=640,height=360,framerate=30/1 ! sink.sink_1"""
# Small rungs, so that a machine without a graphics card draws, encodes and decodes them in time.
TWO_LADDERS = """campaignsink name=sink port={port} ladder=%s
    sink_0::campaign=0 sink_1::campaign=west
    particlesrc is-live=true particles=20000 device=cpu ! application/x-particle-state(memory:CampaignParticles),framerate=30/1 ! sink.sink_0
    particlesrc is-live=true particles=20000 device=cpu scene=benchmark ! application/x-particle-state(memory:CampaignParticles),framerate=30/1 ! sink.sink_1"""
LADDER = {"rungs": [
    {"name": "low", "threshold": 0, "particles": 10000, "width": 320, "height": 180, "bitrate": 250000},
    {"name": "high", "threshold": 400000, "particles": 20000, "width": 480, "height": 270, "bitrate": 350000}]}
WIDTHS = {rung["name"]: rung["width"] for rung in LADDER["rungs"]}
PAUSE_MS = 250

# From here on window.watched holds the longest time between two frames, and the darkest of their brightest points.
WATCH = """
const video = document.getElementById('video');
const canvas = Object.assign(document.createElement('canvas'), {width: 32, height: 18});
const context = canvas.getContext('2d', {willReadFrequently: true});
const watched = window.watched = {longest: 0, darkest: 255, frames: 0};
let before = performance.now();
const look = (now) => {
  watched.longest = Math.max(watched.longest, now - before);
  before = now;
  context.drawImage(video, 0, 0, 32, 18);
  watched.darkest = Math.min(watched.darkest, Math.max(...context.getImageData(0, 0, 32, 18).data.filter((_, i) => i % 4 < 3)));
  watched.frames += 1;
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback((now) => { before = now; look(now); });
"""


def quoted(ladder):
    """As a property's value in a launch line, in which "{port}" is filled in later."""
    text = json.dumps(json.dumps(ladder, separators=(",", ":")))
    return text.replace("{", "{{").replace("}", "}}")


def assert_nobody_noticed(viewer, fewest_frames):
    watched = viewer.ask("return window.watched")
    assert watched["frames"] > fewest_frames
    assert watched["darkest"] > 16, "a frame was black"
    assert watched["longest"] < PAUSE_MS, f"the picture stood still for {watched['longest']:.0f} ms"


@pytest.fixture
def two_ladders():
    server = LaunchedServer(TWO_LADDERS % quoted(LADDER))
    yield server
    server.close()


@pytest.fixture
def two_worlds():
    server = LaunchedServer(TWO_WORLDS)
    yield server
    server.close()


def test_another_campaign_is_shown_without_a_pause_a_black_frame_or_a_new_connection(browser, two_worlds):
    viewer = browser.open(two_worlds.page()).await_state("live")
    viewer.await_new_frames()
    peer = viewer.known["peer"]
    viewer.ask(WATCH)
    viewer.wake()
    menu = Select(viewer.element("campaigns"))
    assert [option.get_attribute("value") for option in menu.options] == ["0", "west"]
    for campaign in ("west", "0", "west"):
        viewer.wake()
        menu.select_by_value(campaign)
        until(lambda: viewer.known["state"]["campaign"] == campaign, 5, f"campaign {campaign} is watched")
        viewer.await_new_frames(20)
    assert_nobody_noticed(viewer, 60)
    assert viewer.known["peer"] == peer and viewer.state == "live"
    assert viewer.text("campaign") == "campaign west"
    assert "campaign=west" in browser.driver.current_url, "reloading would lead back to the other campaign"
    viewer.wake()
    viewer.element("toggle-stats").click()
    assert "campaign 0 → campaign west" in viewer.text("figures")


def test_another_quality_is_shown_without_a_pause_a_black_frame_or_a_new_connection(browser, two_ladders):
    viewer = browser.open(two_ladders.page()).await_state("live")
    viewer.await_new_frames()
    peer = viewer.known["peer"]
    viewer.ask(WATCH)

    def choose(menu, value, campaign, quality):
        viewer.wake()
        Select(viewer.element(menu)).select_by_value(value)
        def sent():
            now = viewer.known["quality"]
            return (now["campaign"], now["quality"]) == (campaign, quality) or now
        until(lambda: sent() is True, 5, f"{quality} of campaign {campaign} is sent ({sent()})")
        until(lambda: viewer.ask("return document.getElementById('video').videoWidth") == WIDTHS[quality], 5,
              f"{quality} is shown")
        viewer.await_new_frames(20)

    options = [option.get_attribute("value") for option in Select(viewer.element("quality")).options]
    assert options == ["auto", "low", "high"]
    for quality in ("low", "high", "low", "high"):
        choose("quality", quality, "0", quality)
    choose("campaigns", "west", "west", "high")  # with the quality that was chosen
    choose("quality", "low", "west", "low")
    choose("campaigns", "0", "0", "low")
    choose("quality", "auto", "0", "high")  # as loopback carries everything
    assert_nobody_noticed(viewer, 160)
    assert viewer.known["peer"] == peer and viewer.state == "live"
    label = viewer.ask("return document.getElementById('quality').selectedOptions[0].textContent")
    assert label == "auto · high"
