"""Real servers for the browser tests, started as a user would, on free ports."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVE = ROOT / "pipelines" / "serve"
READY_S = 60
STOP_S = 20


def children(pid):
    """Every living descendant of a process."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we were looking
            if after_name[0] != "Z":
                parents[int(entry.name)] = int(after_name[1])
    found = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pids):
    """Kills what is left of these processes; they get a moment to go by themselves."""
    deadline = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in filter(alive, pids):
        os.kill(pid, signal.SIGKILL)


def build_folder():
    return ROOT / os.environ.get("CAMPAIGN_BUILD_DIR", "build")


def with_plugins():
    """The environment for what loads the elements that were built."""
    folders = [str(build_folder() / "plugins" / name) for name in ("particles", "campaign")]
    return {**os.environ, "GST_PLUGIN_PATH": ":".join(folders)}


class Server:
    """pipelines/serve as a child process, with what it said."""

    def __init__(self, *options, port=0):
        self._start([str(SERVE), "--port", str(port), *options])

    def _start(self, command, env=None):
        self.said = []
        self.process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True)
        self._reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True)
        self._reader.start()
        try:
            self.url = until(self._address, READY_S, "the server told its address")
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error}\n{self.text}") from None
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def _address(self):
        if self.process.poll() is not None:
            self._reader.join(5)
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.text}")
        return self._told_address()

    def _told_address(self):
        match = re.search(r"http://\S+/\?campaign=0", self.text)
        return match and match[0]

    @property
    def text(self):
        return "".join(self.said)

    def page(self, campaign="0", **more):
        query = "&".join(f"{name}={value}" for name, value in {"campaign": campaign, **more}.items())
        return f"http://127.0.0.1:{self.port}/?{query}"

    def interrupt(self):
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(STOP_S)
        self._reader.join(5)
        return code

    def kill(self):
        """The pipeline dies at once, as in a crash: nobody is told goodbye."""
        for pid in children(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def close(self):
        below = children(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        end(below)


class LaunchedServer(Server):
    """A gst-launch-1.0 line with a campaignsink in it, as a user would compose it; "{port}" in it is filled in."""

    def __init__(self, launch):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._wanted_port = free.getsockname()[1]
        self._start(["gst-launch-1.0", "-q", *launch.format(port=self._wanted_port).split()], env=with_plugins())

    def _told_address(self):
        url = f"http://127.0.0.1:{self._wanted_port}/?campaign=0"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return url
        except (urllib.error.URLError, OSError):
            return None  # not yet


class HostingServer(Server):
    """campaign-server with a configuration, on a free port; without Redis, its state is kept nowhere."""

    def __init__(self, config, node=None, redis=None):
        self._folder = tempfile.TemporaryDirectory(prefix="campaign-e2e-")
        file = pathlib.Path(self._folder.name, "config.json")
        file.write_text(json.dumps(config))
        shared = ["--redis", redis, "--node-id", node] if redis else ["--state", "none"]
        self._start([str(build_folder() / "pipelines" / "server" / "campaign-server"), "--config", str(file),
                     "--port", "0", *shared], env=with_plugins())

    def _told_address(self):
        for line in self.said:
            told = json.loads(line)
            if told["event"] == "listening":
                return told["url"] + "/"
        return None

    def api(self, method, path, body=None):
        request = urllib.request.Request(f"{self.url}api/v1{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"} if body is not None else {})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None
