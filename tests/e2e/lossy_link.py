"""A link that loses packets, for a test in a network of its own (there is no netem everywhere).

Between the server's place and the viewer's lies a third with one end of a veth pair to each; a thread takes every frame
from the one end and puts it into the other. On the way to the viewer UDP waits for the link's delay, and some of it is
gone: which, a random generator with a seed says.
"""
import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time

import bottleneck

ETH_P_ALL, ETH_P_IP, UDP = 3, 0x0800, 17
SOL_PACKET, PACKET_IGNORE_OUTGOING, PACKET_VNET_HDR = 263, 23, 15
VNET_HEADER = 10  # bytes before each frame: checksums and segments that the sender left for the device stay left
LONGEST_FRAME = 1 << 17
RTP_VERSION = 2
RTCP_TYPES = range(64, 96)  # RFC 5761, 4


class LossyLink:
    """`loses` and `delays` may be called at any time; the counts are of what the link carried to the viewer."""

    def __init__(self, server, viewer, seed):
        self.address = "10.98.0.1"
        self._random = random.Random(seed)
        self._loss, self._delay, self._never = 0.0, 0.0, frozenset()
        self.carried, self.lost = {}, {}  # RTP packets by payload type
        self._middle = bottleneck.Place("middle")
        for place, device, end, address in ((server, "far", "left", self.address), (viewer, "up0", "right", "10.98.0.2")):
            place.run("ip", "link", "add", device, "type", "veth", "peer", "name", end, "netns", self._middle.name)
            place.run("ip", "address", "add", f"{address}/24", "dev", device)
            place.run("ip", "link", "set", device, "up")
            self._middle.run("ip", "link", "set", end, "up")
        viewer.run("ip", "route", "add", "default", "via", self.address)
        with self._middle:
            self._left, self._right = self._socket("left"), self._socket("right")
        self._wake, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="lossy link")
        self._thread.start()

    def loses(self, share, payload_types=frozenset()):
        """From now on this share of the UDP packets to the viewer, and every RTP packet of these types."""
        self._loss, self._never = share, frozenset(payload_types)

    def delays(self, milliseconds):
        self._delay = milliseconds / 1000

    def close(self):
        self._stop.close()
        self._thread.join(10)
        for end in (self._left, self._right, self._wake):
            end.close()
        self._middle.remove()

    @staticmethod
    def _socket(device):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        end.bind((device, ETH_P_ALL))
        end.setblocking(False)
        return end

    def _carry(self):
        waiting, order = [], itertools.count()  # (when, which of those, frame)
        while True:
            pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self._left, self._right, self._wake], [], [], pause)
            if self._wake in ready:
                return
            now = time.monotonic()
            for frame in self._frames(self._right, ready):
                self._send(self._left, frame)
            for frame in self._frames(self._left, ready):
                udp = self._udp_payload(frame)
                if udp is None:
                    self._send(self._right, frame)
                elif not self._is_lost(udp):
                    heapq.heappush(waiting, (now + self._delay, next(order), frame))
            while waiting and waiting[0][0] <= time.monotonic():
                self._send(self._right, heapq.heappop(waiting)[2])

    @staticmethod
    def _frames(end, ready):
        while end in ready:
            try:
                yield end.recv(LONGEST_FRAME)
            except BlockingIOError:
                return

    @staticmethod
    def _send(end, frame):
        try:
            end.send(frame)
        except (BlockingIOError, OSError):
            pass  # a full device loses it, as devices do

    @staticmethod
    def _udp_payload(frame):
        ethernet = frame[VNET_HEADER:]
        if len(ethernet) < 42 or struct.unpack_from("!H", ethernet, 12)[0] != ETH_P_IP or ethernet[23] != UDP:
            return None
        return ethernet[14 + 4 * (ethernet[14] & 15) + 8:]

    def _is_lost(self, udp):
        is_rtp = len(udp) >= 12 and udp[0] >> 6 == RTP_VERSION and udp[1] & 127 not in RTCP_TYPES
        payload_type = udp[1] & 127 if is_rtp else None
        lost = self._random.random() < self._loss or payload_type in self._never
        if is_rtp:
            counts = self.lost if lost else self.carried
            counts[payload_type] = counts.get(payload_type, 0) + 1
        return lost
