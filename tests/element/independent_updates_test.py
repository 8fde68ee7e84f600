"""independent_updates_test.py GST-LAUNCH: what particlepack wrote to a file, read by the decoder that shares no line
with the encoder. Prints TAP.
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit" / "pack"))
from tap import report  # noqa: E402
from update_decoder import Decoder, split  # noqa: E402


def updates(launch, device, packer, caps):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "world.cpud")
        line = (f"particlesrc device={device} particles=3000 scene=benchmark num-buffers=90 ! particlepack {packer} ! "
                f"application/x-particle-update,{caps} ! filesink location={file}")
        subprocess.run([launch, "-q", *line.split()], check=True, timeout=100)
        return list(split(file.read_bytes()))


def check(launch, device, packer, caps, count, number, bits):
    decoder = Decoder()
    keys, ticks, moved = 0, [], 0.0
    last = None
    for data in updates(launch, device, packer, caps):
        update = decoder.decode(data)
        assert (update.count, update.bits, update.first_id) == (count, bits, 0)
        assert update.time == update.tick * 1000000000 // 30, (update.tick, update.time)
        places = update.positions(0)
        assert all(update.least[0] <= x <= update.greatest[0] + 1e-6 for x in places)
        if last:
            moved = max(moved, max(abs(a - b) for a, b, born in zip(places, last, update.born) if not born))
        last = places
        keys += update.key
        ticks.append(update.tick)
    assert len(ticks) == number, len(ticks)
    assert ticks == list(range(0, 90, 90 // number)), ticks
    assert 1 <= keys < number, keys
    assert 0 < moved < 0.5, f"{moved} units between two updates: births are missing"
    return f"{device}: {number} updates of {count} particles, {keys} of them keys, moved {moved:.3f} units at most"


def main(launch):
    cases = [
        lambda: check(launch, "cpu", "particles=1001", "framerate=30/1", 1001, 90, 13),
        lambda: check(launch, "cpu", "particles=1000 position-bits=16 compression-level=19", "framerate=10/1",
                      1000, 30, 16),
        lambda: check(launch, "llvmpipe", "keyframe-interval=7 position-bits=10", "framerate=15/1", 3000, 45, 10),
    ]
    return report(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
