"""soak_test.py BUILD [SECONDS [FILE]]: four campaigns whose viewers join, leave, and change quality and campaign at random.
Memory stays flat, nothing is complained of, and no frame is broken but behind a packet that was lost, or that came before
the keys to read it. Prints TAP; FILE gets a line of JSON every ten seconds, and what every viewing got.

The suite runs a short one; `soak_test.py build 1800` is the half hour.
"""
import json
import pathlib
import sys
import time

from campaign_server import SANITIZED, Server
from cases import report
from waiting import until

BUILD = sys.argv[1]
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
FILE = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
CAMPAIGNS = ("soak-a", "soak-b", "soak-c", "soak-d")
VIEWERS = 3  # of each
SAMPLE_S = 10
MOST_GROWN = 24 * 1024 * 1024  # as much as the allocator keeps of a hundred joins
RUNGS = [{"name": name, "threshold": threshold, "particles": 1000, "width": width, "height": width * 9 // 16,
          "bitrate": bitrate}
         for name, threshold, width, bitrate in (("low", 0, 160, 100000), ("medium", 300000, 192, 150000),
                                                 ("high", 500000, 256, 250000))]
SPEC = {"particles": 1000, "device": "cpu", "framerate": 15, "ladder": {"rungs": RUNGS}}


def note(what):
    if FILE:
        with FILE.open("a") as file:
            file.write(json.dumps(what) + "\n")


def main():
    with Server(BUILD, {"campaigns": [{"id": name, **SPEC} for name in CAMPAIGNS]}) as server:
        for name in CAMPAIGNS:
            until(lambda campaign=name: server.status(campaign) == "running", 30, f"{name} runs")
        memory, reports = [], []

        def viewers_are_served():
            crowds = [server.watch(name, f"--viewers={VIEWERS}", "--switch-every=6", "--leave-every=30",
                                   f"--duration={SECONDS}", f"--seed={seed}")
                      for seed, name in enumerate(CAMPAIGNS, 1)]
            started = time.monotonic()
            while any(crowd.poll() is None for crowd in crowds):
                assert time.monotonic() - started < SECONDS + 60, "campaign-load does not end"
                time.sleep(SAMPLE_S if SECONDS > 10 * SAMPLE_S else 1)
                memory.append(server.memory())
                note({"seconds": round(time.monotonic() - started), "memory": memory[-1], "threads": server.threads(),
                      "descriptors": server.descriptors()})
            reports.extend(server.report(crowd) for crowd in crowds)
            for one in reports:
                note(one)
                assert not one["failures"], one["failures"]
                assert one["backward_timestamps"] == 0, "time went backward for a viewer"
            seen = {name: sum(one[name] for one in reports) for name in ("viewings", "frames", "lost")}
            return ", ".join(f"{number} {name}" for name, number in seen.items())

        def no_frame_is_broken_without_a_loss():
            viewings = [each for one in reports for each in one["each"]]
            broken = sum(each["incomplete_frames"] + each["undecodable_frames"] for each in viewings)
            without = [each for each in viewings
                       if each["incomplete_frames"] + each["undecodable_frames"] > 0 and each["gaps"] + each["early"] == 0]
            assert not without, [{name: each[name] for name in ("viewer", "frames", "key_frames", "incomplete_frames",
                                                                "undecodable_frames", "packets")} for each in without]
            return f"{broken} broken frames, all behind a lost packet or an early one, in {len(viewings)} viewings"

        def memory_is_flat():
            half = memory[len(memory) // 2:]
            grown = half[-1] - half[0]
            assert SANITIZED or grown < MOST_GROWN, f"{grown / 1e6:+.1f} MB in the second half"
            return f"{grown / 1e6:+.1f} MB in the second half, {memory[-1] / 1e6:.0f} MB at the end"

        return report([viewers_are_served, no_frame_is_broken_without_a_loss, memory_is_flat, server.nothing_said])


if __name__ == "__main__":
    sys.exit(main())
