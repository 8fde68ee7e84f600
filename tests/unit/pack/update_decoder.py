"""A second decoder of campaign particle updates, in another language and from the format's description alone
(gst/particles/pack/update.hpp), so that the description and the C++ hold each other to their word.
"""
import struct

import zstandard

HEADER = struct.Struct("<4sBBBBQqQQII3f3fIII")


class Refused(Exception):
    pass


class Update:
    def __init__(self, header):
        (self.magic, self.version, self.flags, self.bits, self.period, self.tick, self.time, self.base_tick,
         self.key_tick, self.first_id, self.count) = header[:11]
        self.least, self.greatest = header[11:14], header[14:17]
        self.phase, self.planes_size, self.payload_size = header[17:]
        self.key = bool(self.flags & 1)
        self.born = []
        self.places = []  # by axis, whole numbers
        self.colours = []  # by particle, [red, green, blue]

    def step(self, axis):
        return (self.greatest[axis] - self.least[axis]) / (2**self.bits - 1)

    def positions(self, axis):
        return [self.least[axis] + q * self.step(axis) for q in self.places[axis]]


def split(stream):
    """The updates of a file."""
    at = 0
    while at < len(stream):
        end = at + HEADER.size + struct.unpack_from("<I", stream, at + 80)[0]
        yield stream[at:end]
        at = end


class Decoder:
    def __init__(self):
        self.last = None
        self.before = None  # by axis: the places in the base update's base update

    def decode(self, data):
        update = Update(HEADER.unpack_from(data))
        if update.magic != b"CPUD" or update.version != 1:
            raise Refused("not an update of version 1")
        last = self.last
        if not update.key and (last is None or (last.tick, last.key_tick) != (update.base_tick, update.key_tick)):
            raise Refused("needs a key update")
        planes = zstandard.ZstdDecompressor().decompress(data[HEADER.size:], max_output_size=update.planes_size)
        if len(planes) != update.planes_size:
            raise Refused("the planes are not as long as the header says")

        at = 0

        def take(length):
            nonlocal at
            at += length
            return planes[at - length:at]

        n = update.count
        births = take((n + 7) // 8)
        update.born = [births[i // 8] >> (i % 8) & 1 for i in range(n)]
        modulus = 2**update.bits
        before = []
        for axis in range(3):
            values = [low | high << 8 for low, high in zip(take(n), take(n))]
            places, bases = [], []
            for i, v in enumerate(values):
                if update.key or update.born[i]:
                    places.append(v)
                    bases.append(v)  # the next update takes this one's place for both
                else:
                    a, b = last.places[axis][i], self.before[axis][i]
                    difference = -(v + 1) // 2 if v % 2 else v // 2
                    places.append((2 * a - b + difference) % modulus)
                    bases.append(a)
            update.places.append(places)
            before.append(bases)

        update.colours = [[0, 0, 0] for _ in range(n)] if update.key else [list(c) for c in last.colours]
        sent = [i for i in range(n) if update.key or update.born[i] or i // 4 % update.period == update.phase]
        for channel in range(3):
            for i, value in zip(sent, take(len(sent))):
                base = 0 if update.key or update.born[i] else update.colours[i][channel]
                update.colours[i][channel] = (base + value) % 256
        if at != len(planes):
            raise Refused("more planes than the format has")
        self.last, self.before = update, before
        return update
