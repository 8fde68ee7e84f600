"""joins_test.py BUILD [JOINS]: viewers come, change quality and campaign, and go, in bouts from which all of them go. What
the server has in memory when nobody watches stays small, however many have come. Prints TAP.

The suite lets 100 come, and 100 more; `joins_test.py build 1800` shows on the way where it levels.
"""
import sys
import time

from campaign_server import SANITIZED, Server
from cases import report
from waiting import until

BUILD = sys.argv[1]
JOINS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
FIRST = 100  # what is made once, and what grows to the size of the crowd, is there then
CAMPAIGNS = ("red", "blue")
RUNGS = [{"name": name, "threshold": threshold, "particles": 100, "width": width, "height": height, "bitrate": bitrate}
         for name, threshold, width, height, bitrate in (("low", 0, 96, 64, 60000), ("high", 200000, 160, 96, 150000))]
SPEC = {"particles": 100, "device": "cpu", "framerate": 15, "ladder": {"rungs": RUNGS}}
REST_S = 5  # by then what ended has been taken down, and its memory given back
MB = 1024 * 1024
# What a crowd of 20 leaves: their threads, which wait for the next, and what those and the gaps of the heap hold. It is
# 11 MB, and was 26 with the allocators' own settings.
MOST_LEFT = 18 * MB
# Of one hundred after another, 1 MB; of 1,800, 3.
MOST_GROWN = 2.5 * MB if JOINS <= 100 else 4 * MB


def main():
    with Server(BUILD, {"campaigns": [{"id": name, **SPEC} for name in CAMPAIGNS]}) as server:
        for name in CAMPAIGNS:
            until(lambda campaign=name: server.status(campaign) == "running", 30, f"{name} runs")
        joins = switches = of_campaign = 0
        rests = []

        def bout():
            nonlocal joins, switches, of_campaign
            told = server.report(server.watch(
                "red", "--viewers=20", "--join-rate=20", "--duration=5", "--leave-every=0.6", "--switch-every=0.3",
                f"--seed={joins + 1}"))
            assert told["failures"] == {} and told["viewers_without_frames"] == 0, told
            assert told["backward_timestamps"] == 0, "time went backward for a viewer"
            assert told["joined"] > 0, told
            joins += told["joined"]
            switches += told["switches"]["done"]
            of_campaign += told["switches"]["of_campaign"]

        def rest(seconds):
            until(lambda: not any(server.api("GET", f"/campaigns/{name}/viewers").json["viewers"] for name in CAMPAIGNS),
                  20, "the viewers left")
            least = server.own_memory()  # the pictures that wait somewhere differ from moment to moment
            rested = time.monotonic() + seconds
            while time.monotonic() < rested:
                time.sleep(0.1)
                least = min(least, server.own_memory())
            rests.append(least)
            print(f"# {joins} joins, {switches} switches, {of_campaign} of them of the campaign: {least // 1024} kB, "
                  f"{server.threads()} threads, {server.descriptors()} descriptors", flush=True)

        def everybody_is_served():
            rest(1)
            while joins < FIRST + JOINS:
                goal = FIRST if not joins else min(joins + 300, FIRST + JOINS)
                while joins < goal:
                    bout()
                rest(REST_S)
            return f"{joins} joins, {switches} switches, {of_campaign} of them of the campaign"

        def little_is_left():
            left = rests[-1] - rests[0]
            assert SANITIZED or left < MOST_LEFT, f"{left / MB:.1f} MB more than before the first viewer"
            return f"{left / MB:+.1f} MB since before the first viewer{', sanitized' if SANITIZED else ''}"

        def it_stays():
            grown = rests[-1] - rests[1]
            assert SANITIZED or grown < MOST_GROWN, f"{grown / MB:.1f} MB more"
            return f"{grown / MB:+.1f} MB since {FIRST} joins{', sanitized' if SANITIZED else ''}"

        return report([everybody_is_served, little_is_left, it_stays, server.nothing_said])


if __name__ == "__main__":
    sys.exit(main())
