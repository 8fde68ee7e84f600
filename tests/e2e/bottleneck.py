"""A network of its own for a test: the server's place, and viewers' places behind links with a capacity.

Each place is a network namespace; a link is a veth pair whose server's end is a token bucket filter with a queue
of 300 ms, as RFC 8867 has it. Needs root, as containers and CI have it.
"""
import contextlib
import ctypes
import subprocess
import uuid

QUEUE_MS = 300
BURST_BYTES = 2000  # a packet: a link that sends one after the other, as probes expect it
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


def _enter(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Place:
    """A network namespace. `with place:` puts this thread, and what it starts, there."""

    def __init__(self, name):
        self.name = f"campaign-{name}-{uuid.uuid4().hex[:6]}"
        _run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        self._before = []

    def run(self, *command):
        return _run("ip", "netns", "exec", self.name, *command)

    def __enter__(self):
        self._before.append(open("/proc/thread-self/ns/net"))
        with open(f"/run/netns/{self.name}") as there:
            _enter(there)
        return self

    def __exit__(self, *_):
        with self._before.pop() as before:
            _enter(before)

    def remove(self):
        _run("ip", "netns", "del", self.name)


class Link:
    """From the server to a viewer; what the viewer sends is not limited."""

    def __init__(self, server, viewer, number):
        self._server, self._device = server, f"link{number}"
        self.address = f"10.99.{number}.1"
        server.run("ip", "link", "add", self._device, "type", "veth", "peer", "name", "up0", "netns", viewer.name)
        for place, device, address in ((server, self._device, self.address), (viewer, "up0", f"10.99.{number}.2")):
            place.run("ip", "address", "add", f"{address}/24", "dev", device)
            place.run("ip", "link", "set", device, "up")
        viewer.run("ip", "route", "add", "default", "via", self.address)

    def carries(self, kbps):
        """From now on, so many kbit/s."""
        self._server.run("tc", "qdisc", "replace", "dev", self._device, "root", "tbf", "rate", f"{kbps}kbit",
                         "burst", str(BURST_BYTES), "latency", f"{QUEUE_MS}ms")

    def dropped(self):
        """Packets that found the queue full."""
        text = self._server.run("tc", "-s", "qdisc", "show", "dev", self._device)
        return int(text.split("dropped ")[1].split(",")[0])


@contextlib.contextmanager
def places(*viewers):
    """The server's place, and for each name a viewer's place and its link."""
    made = [Place("server")]
    try:
        links = []
        for number, name in enumerate(viewers, 1):
            made.append(Place(name))
            links.append(Link(made[0], made[-1], number))
        yield made[0], list(zip(made[1:], links))
    finally:
        for place in made:
            place.remove()


