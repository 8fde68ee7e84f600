"""A network that loses packets: what is lost is sent again, and the picture goes on."""
import contextlib
import json
import os

import bottleneck
import pytest
from lossy_link import LossyLink
from serving import LaunchedServer
from test_network import WATCH, Watching, go_first, longest_pause
from viewing import Browser

SEED = 5
RATE = 30
RUNG = {"name": "medium", "threshold": 0, "bitrate": 900_000, "width": 480, "height": 270, "particles": 100_000}
WORLD = f"""particlesrc is-live=true particles=100000
    ! application/x-particle-state(memory:CampaignParticles),framerate={RATE}/1
    ! campaignsink host=0.0.0.0 port={{port}} ladder="LADDER" """.replace(
    "LADDER", json.dumps({"rungs": [RUNG]}, separators=(",", ":")).replace('"', '\\"').replace("{", "{{").replace("}", "}}"))
LOSS, DELAY_MS = 0.04, 40
FREEZE_MS = 500
COUNTED = ("framesDecoded", "packetsLost", "nackCount", "pliCount", "retransmittedPacketsReceived", "freezeCount")

# Before the page's own scripts: window.connections has every peer connection.
KEEP_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...settings) {
    super(...settings);
    window.connections.push(this);
  }
};
"""
RECEIVED = """
const done = arguments[0];
window.connections.at(-1).getStats().then((report) =>
  done([...report.values()].find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video')));
"""
TYPES = "return window.connections.at(-1).remoteDescription.sdp.match(/a=rtpmap:.*/g)"


class FarAway(Watching):
    """A browser behind a link that loses packets."""

    def __init__(self, place, link, server):
        self._place = place
        with place:
            self.browser = Browser()
            self.browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": KEEP_CONNECTIONS})
            self.viewer = self.browser.open(f"http://{link.address}:{server.port}/?campaign=0").await_state("live")
            self.viewer.ask(WATCH)

    def received(self):
        """What the browser counts of the video that it receives."""
        with self._place:
            return self.viewer.driver.execute_async_script(RECEIVED)

    def payload_types(self, encoding):
        return {int(line.split(":")[1].split()[0]) for line in self.ask(TYPES) if f" {encoding}/" in line}

    def over(self, seconds):
        """What the browser counted in this time, frames a second, and the longest time without a new one, in ms."""
        before, since = self.received(), self.ask("return performance.now()")
        self.await_time(since + 1000 * seconds)
        after, end = self.received(), self.ask("return performance.now()")
        more = {name: after[name] - before[name] for name in COUNTED}
        rate = more["framesDecoded"] / (after["timestamp"] - before["timestamp"]) * 1000
        return more, rate, longest_pause(self.frames(), since, end)[0]


@pytest.fixture
def far_away():
    """far_away(world): somebody who watches it behind a link that loses nothing yet, and the link."""
    if os.geteuid() != 0:
        pytest.fail("network namespaces need root; run the tests as root, as in a container")
    with contextlib.ExitStack() as stack:
        server, _ = stack.enter_context(bottleneck.places())
        viewer = bottleneck.Place("far")
        stack.callback(viewer.remove)
        link = LossyLink(server, viewer, SEED)
        stack.callback(link.close)

        def watch(world):
            with server:
                started = LaunchedServer(world)
            stack.callback(lambda: close(server, started))
            go_first("self")
            go_first(started.process.pid)
            watching = FarAway(viewer, link, started)
            stack.callback(watching.close)
            return watching, link

        yield watch


def close(place, server):
    with place:
        server.close()


def test_what_is_lost_is_sent_again_and_the_picture_goes_on(far_away):
    watching, link = far_away(WORLD)
    link.delays(DELAY_MS)
    repairs = watching.payload_types("rtx")
    assert repairs
    link.loses(LOSS)
    counted, rate, pause = watching.over(10)
    print(f"{LOSS:.0%} lost: {rate:.1f} frames a second, longest pause {pause:.0f} ms; {counted}; the link lost {link.lost}")
    assert counted["packetsLost"] > 20  # or nothing would be shown here
    assert counted["nackCount"] >= 0.9 * counted["packetsLost"]
    assert counted["retransmittedPacketsReceived"] >= 0.8 * counted["packetsLost"]
    assert rate > 0.9 * RATE
    assert pause < FREEZE_MS

    # The same without what is sent again: that it was the repairs, and that they were needed.
    link.loses(LOSS, repairs)
    counted, rate, pause = watching.over(5)
    print(f"and no repair arrives: {rate:.1f} frames a second, longest pause {pause:.0f} ms; {counted}")
    assert counted["retransmittedPacketsReceived"] == 0
    assert rate < 0.5 * RATE
    assert pause > FREEZE_MS
