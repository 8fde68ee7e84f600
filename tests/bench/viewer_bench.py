#!/usr/bin/env python3
"""What one more viewer costs the server, and how soon 50 viewers who come within a second see something.

Starts a server of ours and, beside it in time, one that encodes for every viewer, lets campaign-load watch each with
several numbers of viewers, reads the servers' processor time from /proc while everybody watches, and fits a line:
its slope is the cost of a viewer. Measurements of the two kinds alternate, so that what else the machine does meets
both. Prints a table, and with --json FILE writes it.
"""
import argparse
import collections
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERTZ = os.sysconf("SC_CLK_TCK")
SETTLE_S = 2.0
# A server that could not send most frames, because something else had the machine, was not measured.
LEAST_FRAMES = 0.95
ATTEMPTS = 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ


def encoder_seconds(pid):
    """Of the rung's thread and of those that its encoder starts, which bear its name: behind the other queues, of
    viewers and of rungs that nobody watches, next to nothing is done."""
    spent = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text()
            if name.startswith("queue"):
                spent[name] += int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended
            continue
    return max(spent.values(), default=0.0)


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


class Unmeasured(Exception):
    """The machine was too busy for this attempt; why, for people."""


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = pathlib.Path(options.build).resolve()
        folders = [str(self.build / "plugins" / name) for name in ("particles", "campaign")]
        self.environment = {**os.environ, "GST_PLUGIN_PATH": ":".join(folders)}
        self.source = (f"{options.source} ! video/x-raw,width={options.width},height={options.height},"
                       f"framerate={options.fps}/1")

    def shared_encode(self, port):
        return ["gst-launch-1.0", "-q", *self.source.split(), "!", "campaignsink", f"port={port}",
                f"bitrate={self.options.bitrate}"]

    def encode_per_viewer(self, port):
        return [str(self.build / "tests/bench/encode-per-viewer"), self.source, str(port), str(self.options.bitrate),
                str(self.options.fps)]

    def load(self, port, report, *more):
        return [str(self.build / "pipelines/load/campaign-load"), "--wait=30", f"--json={report}", *more,
                f"http://127.0.0.1:{port}/?campaign=0"]

    def watch(self, server, viewers):
        """Processor seconds a second of a server that so many watch, and of its encoder, its threads, and the load
        generator's report."""
        port = free_port()
        watchers = None
        process = subprocess.Popen(server(port), env=self.environment, stdout=subprocess.DEVNULL)
        try:
            with tempfile.TemporaryDirectory() as folder:
                report = pathlib.Path(folder) / "load.json"
                seconds = SETTLE_S + self.options.seconds
                watchers = subprocess.Popen(self.load(port, report, f"--viewers={viewers}", "--join-rate=20",
                                                      f"--duration={seconds + 1}"),
                                            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.wait_until_all_watch(port, watchers, viewers)
                time.sleep(SETTLE_S)
                before, encoded, begin = processor_seconds(process.pid), encoder_seconds(process.pid), time.monotonic()
                time.sleep(self.options.seconds)
                lasted = time.monotonic() - begin
                used = (processor_seconds(process.pid) - before) / lasted
                encoder = (encoder_seconds(process.pid) - encoded) / lasted
                alive = threads(process.pid)
                watchers.send_signal(signal.SIGINT)
                watchers.wait(30)
                watchers = None
                told = json.loads(report.read_text())
        finally:
            if watchers:
                watchers.kill()
                watchers.wait()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if told["viewers_without_frames"] or told["failures"]:
            raise Unmeasured(f"not everybody could watch: {told['failures']}")
        if told["frame_rate"]["lowest"] < LEAST_FRAMES * self.options.fps:
            raise Unmeasured(f"{told['frame_rate']['lowest']:.1f} frames a second at worst")
        return used, encoder, alive, told

    @staticmethod
    def wait_until_all_watch(port, watchers, viewers):
        """campaign-load has all its media sockets when everybody has been answered."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if watchers.poll() is not None:
                raise Unmeasured("campaign-load ended early")
            try:
                sockets = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{watchers.pid}/fd")}
                table = pathlib.Path(f"/proc/{watchers.pid}/net/udp").read_text().splitlines()[1:]
            except OSError:  # a descriptor was closed meanwhile, or the program has ended
                continue
            if sum(f"socket:[{line.split()[9]}]" in sockets for line in table) >= viewers:
                return
            time.sleep(0.1)
        raise Unmeasured(f"{viewers} viewers did not come to port {port} in time")

    def crowd(self):
        """50 viewers within a second, to a server that already plays and is watched."""
        port = free_port()
        process = subprocess.Popen(self.shared_encode(port), env=self.environment, stdout=subprocess.DEVNULL)
        try:
            with tempfile.TemporaryDirectory() as folder:
                report = pathlib.Path(folder) / "load.json"
                subprocess.run(self.load(port, report, "--duration=1"), env=self.environment, check=True,
                               stdout=subprocess.DEVNULL)
                subprocess.run(self.load(port, report, "--viewers=50", "--join-rate=50", "--duration=3"),
                               env=self.environment, check=False, stdout=subprocess.DEVNULL)
                return json.loads(report.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(15)


def fit(points):
    """Slope and intercept of least squares."""
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    slope = (sum((x - mean_x) * (y - mean_y) for x, y in points)
             / sum((x - mean_x) ** 2 for x, _ in points))
    return slope, mean_y - slope * mean_x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build-tests", help="the folder that was built in (%(default)s)")
    parser.add_argument("--source", default="particlesrc is-live=true particles=100000", help="(%(default)s)")
    parser.add_argument("--width", type=int, default=960, help="(%(default)s)")
    parser.add_argument("--height", type=int, default=540, help="(%(default)s)")
    parser.add_argument("--fps", type=int, default=30, help="(%(default)s)")
    parser.add_argument("--bitrate", type=int, default=900_000, help="bit/s (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement (%(default)s)")
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 10, 20, 40],
                        help="of the shared encode (%(default)s)")
    parser.add_argument("--encoding-viewers", type=int, nargs="+", default=[1, 2, 4, 6],
                        help="of the server that encodes for each (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--json", help="a file for the results")
    options = parser.parse_args()
    bench = Bench(options)

    kinds = {"one encode": (bench.shared_encode, options.viewers),
             "encode per viewer": (bench.encode_per_viewer, options.encoding_viewers)}
    points = {name: [] for name in kinds}
    driving, encoding = [], {}
    print(f"{options.width}x{options.height}, {options.fps} frames a second, {options.bitrate // 1000} kbit/s, "
          f"{os.cpu_count()} processors\n")
    print(f"{'':18} {'viewers':>8} {'server, % of a core':>20} {'threads':>8} {'frames/s':>9} {'freezes':>8}")
    for _ in range(options.rounds):
        for index in range(max(len(counts) for _, counts in kinds.values())):
            for name, (server, counts) in kinds.items():
                if index >= len(counts):
                    continue
                viewers = counts[index]
                for attempt in range(ATTEMPTS):
                    try:
                        used, encoder_used, alive, told = bench.watch(server, viewers)
                        break
                    except Unmeasured as why:
                        print(f"{name:18} {viewers:8}   {'once more' if attempt + 1 < ATTEMPTS else 'left out'}: {why}")
                else:
                    continue
                points[name].append((viewers, used))
                if server == bench.shared_encode:
                    encoding.setdefault(viewers, []).append(encoder_used)
                if viewers >= 10:
                    driving.append(told["cpu"]["percent_of_a_core_each"])
                print(f"{name:18} {viewers:8} {100 * used:20.1f} {alive:8} {told['frame_rate']['mean']:9.2f} "
                      f"{told['freezes']:8}", flush=True)

    results = {}
    print()
    for name, measured in points.items():
        if len({viewers for viewers, _ in measured}) < 2:
            sys.exit("this machine was too busy, or is too slow, for " + name)
        slope, base = fit(measured)
        results[name] = {"percent_of_a_core_each": 100 * slope, "percent_of_a_core_without": 100 * base,
                         "viewers_per_core": 1 / slope if slope > 0 else None}
        print(f"{name:18} {100 * slope:8.2f} % of a core for each viewer, {1 / slope if slope > 0 else 0:7.0f} viewers a core, "
              f"{100 * base:.0f} % before the first")
    ratio = results["encode per viewer"]["percent_of_a_core_each"] / results["one encode"]["percent_of_a_core_each"]
    results["ratio"] = ratio
    print(f"one encode costs {ratio:.1f} times less for each viewer")
    encoder = {viewers: 100 * statistics.median(spent) for viewers, spent in encoding.items()}
    results["encoder_percent_of_a_core"] = encoder
    print("the one encoder    " + ", ".join(f"{spent:.1f} % of a core with {viewers}" for viewers, spent in encoder.items())
          + " viewers")
    if driving:
        each = statistics.median(driving)
        results["campaign_load_percent_of_a_core_each"] = each
        print(f"campaign-load      {each:8.2f} % of a core for each viewer, {100 / each:7.0f} viewers a core")

    crowd = bench.crowd()
    first = crowd["first_frame_ms"]
    results["fifty_in_a_second"] = {"first_frame_ms": first, "offer_ms": crowd["offer_ms"], "join_ms": crowd["join_ms"], "key_frames": crowd["key_frames"],
                                    "viewers_without_frames": crowd["viewers_without_frames"]}
    print(f"50 in a second     first frame {first['p50']:.0f} ms (p50), {first['p95']:.0f} ms (p95), {first['max']:.0f} ms (max), "
          f"offered {crowd['offer_ms']['p95']:.0f} ms, connected {crowd['join_ms']['p95']:.0f} ms (p95)")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
