"""A network that loses packets: what is lost is sent again, and the picture goes on."""
import contextlib
import json
import os
import statistics

import bottleneck
import pytest
from lossy_link import LossyLink
from serving import LaunchedServer
from test_network import WATCH, Watching, go_first, longest_pause
from viewing import Browser
from waiting import until

SEED = 5
RATE = 30
RUNG = {"name": "medium", "threshold": 0, "bitrate": 900_000, "width": 480, "height": 270, "particles": 100_000}


def world(options="", **rung):
    """A world of one quality, all of it however busy the machine is: or there would be little to lose."""
    ladder = json.dumps({"rungs": [{**RUNG, **rung}]}, separators=(",", ":"))
    ladder = ladder.replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    return f"""particlesrc is-live=true particles=100000
        ! application/x-particle-state(memory:CampaignParticles),framerate={RATE}/1
        ! campaignsink host=0.0.0.0 port={{port}} qos=false {options} ladder="{ladder}" """


LOSS = 0.04
LITTLE = 0.01  # seldom two of three packets in a row, which their one repair could not mend
NEAR_MS, FAR_MS = 40, 100
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
        self._place, self._link = place, link
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

    def histogram(self, name):
        """What Chromium has counted of all connections when they end, which getStats() does not say."""
        self.ask("window.connections.splice(0).forEach((connection) => connection.close())")
        with self._place:
            driver = self.browser.driver
            driver.switch_to.new_window("tab")

            def found():
                driver.get("chrome://histograms")  # which collects those of the page's process
                told = driver.execute_cdp_cmd("Browser.getHistograms", {"query": name})["histograms"]
                return told and told[0]["sum"]

            return until(found, 10, f"Chromium's {name}", every=0.5)

    def without(self, payload_types, loss, delay, seconds):
        """over(), on a link that loses all of these as well."""
        self._link.loses(loss, payload_types)
        self.await_time(self.ask("return performance.now()") + 2 * delay)  # what is under way
        return self.over(seconds)

    def over(self, seconds):
        """What the browser counted in this time, frames a second, and the longest time without a new one, in ms.

        "made" is how many frames a second the server made.
        """
        before, since = self.received(), self.ask("return performance.now()")
        made = []
        for second in range(1, seconds + 1):
            self.await_time(since + 1000 * second)
            made.append(self.said()["server"]["framerate"])
        after, end = self.received(), self.ask("return performance.now()")
        more = {name: after.get(name, 0) - before.get(name, 0) for name in COUNTED}  # some are not there while 0
        more["made"] = statistics.median(made)
        rate = more["framesDecoded"] / (after["timestamp"] - before["timestamp"]) * 1000
        return more, rate, longest_pause(self.frames(), since, end)[0]


@pytest.fixture
def far_away():
    """far_away(world, delay): somebody who watches it so many ms away, on a link that loses nothing yet; and the link."""
    if os.geteuid() != 0:
        pytest.fail("network namespaces need root; run the tests as root, as in a container")
    with contextlib.ExitStack() as stack:
        server, _ = stack.enter_context(bottleneck.places())
        viewer = bottleneck.Place("far")
        stack.callback(viewer.remove)
        link = LossyLink(server, viewer, SEED)
        stack.callback(link.close)

        def watch(world, delay):
            link.delays(delay)
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
    watching, link = far_away(world(), NEAR_MS)
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

    # The same without what is sent again: that it mended the picture, and that it had to.
    counted, rate, pause = watching.without(repairs, LOSS, NEAR_MS, 5)
    print(f"and nothing is sent again: {rate:.1f} frames a second, longest pause {pause:.0f} ms; {counted}")
    assert counted["retransmittedPacketsReceived"] == 0
    assert rate < 0.5 * RATE
    assert pause > FREEZE_MS


def test_what_is_sent_along_mends_what_is_lost_without_being_asked(far_away):
    watching, link = far_away(world("codec=vp8 fec-percentage=50", width=320, height=180), FAR_MS)
    assert watching.payload_types("red") and watching.payload_types("ulpfec")
    link.loses(LOSS)
    counted, rate, pause = watching.over(7)
    print(f"{LOSS:.0%} lost: {rate:.1f} frames a second, longest pause {pause:.0f} ms; {counted}; the link lost {link.lost}")
    assert counted["packetsLost"] > 20
    assert counted["retransmittedPacketsReceived"] > 0  # both at once
    assert rate > 0.9 * counted["made"]  # VP8 is much work for a machine that is busy besides
    assert pause < 2 * FREEZE_MS  # two lost of three, and what was sent again lost: three times the way

    # Alone too: what stands still above goes on.
    counted, rate, pause = watching.without(watching.payload_types("rtx"), LITTLE, FAR_MS, 6)
    print(f"{LITTLE:.0%} lost and nothing is sent again: {rate:.1f} frames a second, longest pause {pause:.0f} ms; {counted}")
    assert counted["packetsLost"] > 2
    assert counted["retransmittedPacketsReceived"] == 0
    assert rate > 0.5 * counted["made"]

    repairs = watching.histogram("WebRTC.Video.ReceivedFecPacketsInPercent")
    mended = watching.histogram("WebRTC.Video.RecoveredMediaPacketsInPercentOfFec")
    print(f"{repairs} % of the packets were repairs, {mended} % of which gave a packet back")
    assert 25 <= repairs <= 40
    assert mended > 0
