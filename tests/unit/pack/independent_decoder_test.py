"""independent_decoder_test.py WRITE-STREAM: decodes what the C++ encoder writes with a decoder that shares no
line with it, and compares with the world's own state. Prints TAP.
"""
import array
import pathlib
import subprocess
import sys
import tempfile

from tap import report
from update_decoder import Decoder, Refused, split


def truths(data):
    at = 0
    while at < len(data):
        count = int.from_bytes(data[at:at + 4], "little")
        at += 4
        floats = array.array("f", data[at:at + 12 * count])
        at += 12 * count
        colours, born = data[at:at + 3 * count], data[at + 3 * count:at + 4 * count]
        at += 4 * count
        yield count, [floats[axis * count:(axis + 1) * count] for axis in range(3)], colours, list(born)


def read(program, bits):
    with tempfile.TemporaryDirectory() as folder:
        stream, truth = pathlib.Path(folder, "stream"), pathlib.Path(folder, "truth")
        subprocess.run([program, stream, truth, str(bits)], check=True, timeout=60)
        return list(split(stream.read_bytes())), list(truths(truth.read_bytes()))


def check_stream(program, bits):
    updates, states = read(program, bits)
    assert len(updates) == len(states) == 120, (len(updates), len(states))
    decoder = Decoder()
    keys, worst, fresh = [], 0.0, []
    for number, (data, (count, positions, colours, born)) in enumerate(zip(updates, states)):
        update = decoder.decode(data)
        assert (update.count, update.tick, update.time) == (count, 2 * number, number * 33333333)
        assert update.born == born, f"births of update {number}"
        if update.key:
            keys.append(number)
            fresh = [number] * count
        for axis in range(3):
            step = update.step(axis)
            for i, (got, is_) in enumerate(zip(update.positions(axis), positions[axis])):
                off = abs(got - is_)
                assert off <= step / 2 * (1 + 1e-6), f"update {number}, particle {i}, axis {axis}: {off} of {step}"
                worst = max(worst, off / step)
        for i in range(count):
            if bytes(update.colours[i]) == colours[3 * i:3 * i + 3]:
                fresh[i] = number
            assert number - fresh[i] < update.period, f"update {number}: the colour of particle {i} is late"
            assert fresh[i] == number or not born[i], f"update {number}: a newborn's colour"
    assert 60 in keys, "the count changed there"
    assert 5 <= len(keys) < 40, keys
    return f"{len(updates)} updates at {bits} bits, {len(keys)} of them keys, at most {worst:.3f} of a step off"


def check_loss(program):
    updates, _ = read(program, 13)
    decoder = Decoder()
    key = None
    for number, data in enumerate(updates):
        if number in (3, 4):  # lost
            continue
        try:
            update = decoder.decode(data)
            if number > 4 and key is None:
                key = number
                assert update.key
        except Refused as why:
            assert key is None and number > 4 and "key" in str(why), (number, why)
    assert key is not None and key > 5, key
    return f"a loss at 3 is refused until the key update {key}"


def main(program):
    cases = [lambda bits=bits: check_stream(program, bits) for bits in (8, 13, 16)] + [lambda: check_loss(program)]
    return report(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
