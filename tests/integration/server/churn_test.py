"""churn_test.py BUILD [ROUNDS]: campaigns are created, changed and deleted through the API in a loop while viewers
watch others: they notice nothing, and nothing is left behind. Prints TAP.
"""
import sys
import time

from campaign_server import SANITIZED, SMALL, Server
from cases import report
from waiting import until

BUILD = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
CAMPAIGNS = 20
WARM_UP = 3
TINY = {**SMALL, "particles": 100, "framerate": 5}


def main():
    config = {"max_campaigns": 40, "campaigns": [{"id": name, **SMALL} for name in ("watched-a", "watched-b")]}
    with Server(BUILD, config) as server:
        for name in ("watched-a", "watched-b"):
            until(lambda campaign=name: server.status(campaign) == "running", 30, f"{name} runs")
        names = [f"c{number}" for number in range(CAMPAIGNS)]

        def one_round():
            for name in names:
                answer = server.api("PUT", f"/campaigns/{name}", TINY)
                assert answer.status == 201, (name, answer.status, answer.text)
            for name in names:
                answer = server.api("PATCH", f"/campaigns/{name}", {"particles": 150, "scene": "benchmark"})
                assert answer.status == 200, (name, answer.status, answer.text)
                answer = server.api("PATCH", f"/campaigns/{name}/state", {"seen": True})
                assert answer.status == 200, (name, answer.status, answer.text)
            for name in names:
                answer = server.api("DELETE", f"/campaigns/{name}")
                assert answer.status == 204, (name, answer.status, answer.text)

        def settled():
            """Threads, descriptors and memory once what was deleted has gone."""
            last = []

            def still():
                last.append((server.threads(), server.descriptors()))
                return len(last) > 60 and len(set(last[-20:])) == 1  # it has given back what the deleted ones had
            until(still, 60, "the server is at rest", every=0.1)
            return (*last[-1], server.memory())

        seen = {}

        def watchers_notice_nothing():
            server.report(server.watch("watched-a", "--viewers=4", "--duration=1"))
            for _ in range(WARM_UP):
                one_round()
            seen["before"] = settled()
            watching = [server.watch(name, "--viewers=2", "--duration=3600") for name in ("watched-a", "watched-b")]
            until(lambda: sum(viewer["connected"] for name in ("watched-a", "watched-b")
                              for viewer in server.api("GET", f"/campaigns/{name}/viewers").json["viewers"]) == 4,
                  20, "four viewers")
            started = time.monotonic()
            for _ in range(ROUNDS):
                one_round()
            seen["seconds"] = time.monotonic() - started
            for child in watching:
                child.send_signal(2)
            results = [server.report(child) for child in watching]
            for result in results:
                assert result["failures"] == {} and result["viewers_without_frames"] == 0, result["failures"]
                broken = {name: result[name] for name in ("incomplete_frames", "undecodable_frames", "lost",
                                                          "backward_timestamps")}
                assert not any(broken.values()), broken
                assert result["viewings"] == 2, result["viewings"]
            pause = max(result["longest_pause_ms"] for result in results)
            freezes = sum(result["freezes"] for result in results)
            frames = sum(result["frames"] for result in results)
            assert pause < 1000, f"a pause of {pause} ms"
            return (f"{CAMPAIGNS * ROUNDS} campaigns came and went in {seen['seconds']:.0f} s, 4 viewers got {frames} "
                    f"frames, none broken, longest pause {pause:.0f} ms, {freezes} freezes")

        def nothing_left():
            until(lambda: not server.api("GET", "/campaigns/watched-a/viewers").json["viewers"]
                  and not server.api("GET", "/campaigns/watched-b/viewers").json["viewers"], 20, "the viewers left")
            threads, descriptors, memory = settled()
            before = seen["before"]
            assert threads <= before[0], f"{threads} threads, {before[0]} before"
            assert descriptors <= before[1], f"{descriptors} descriptors, {before[1]} before"
            grown = memory - before[2]
            assert SANITIZED or grown < 12 * 1024 * 1024, f"{grown / 1e6:.1f} MB more memory"
            left = [campaign["id"] for campaign in server.api("GET", "/campaigns").json["campaigns"]]
            assert left == ["watched-a", "watched-b"], left
            return f"{threads} threads and {descriptors} descriptors as before, {grown / 1e6:+.1f} MB of {memory / 1e6:.0f}"

        return report([watchers_notice_nothing, nothing_left, server.nothing_said])


if __name__ == "__main__":
    sys.exit(main())
