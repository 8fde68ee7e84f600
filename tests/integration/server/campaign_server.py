"""A real campaign-server on a free port, and what the tests say to it: plain HTTP, and campaign-load."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading

from waiting import until

SMALL = {"particles": 1000, "device": "cpu", "framerate": 30, "ladder": {"rungs": [
    {"name": "low", "threshold": 0, "particles": 1000, "width": 160, "height": 90, "bitrate": 200000}]}}


SANITIZED = "ASAN_OPTIONS" in os.environ  # it keeps freed memory for a while, so that its size says nothing

# What GStreamer (1.22) says of itself once in some hundred or thousand joins; see churn_test.cpp.
GSTREAMER_SAYS = ("g_hash_table_foreach: assertion 'version == hash_table->version' failed",
                  "gst_pad_create_stream_id_internal: assertion 'parent->numsinkpads <= 1' failed",
                  "gst_event_new_stream_start: assertion 'stream_id != NULL' failed",
                  "gst_pad_push_event: assertion 'GST_IS_EVENT (event)' failed")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()
        self.json = json.loads(self.text) if self.text else None

    @property
    def code(self):
        return self.json["error"]["code"]


class Server:
    """`build`: Meson's folder. `config`: of the server, a JSON object; `flags`: its further options."""

    def __init__(self, build, config=None, *flags, folder=None):
        self.build = pathlib.Path(build)
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="campaign-server-test-")
        self.folder = pathlib.Path(folder or self._own.name)
        self.config_file = self.folder / "config.json"
        self.configure(config or {})
        self.log = []
        self.process = subprocess.Popen(
            [self.build / "pipelines" / "server" / "campaign-server", "--config", self.config_file, "--port", "0",
             "--state", self.folder / "state", "--node-id", "test", *flags],
            stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = until(lambda: self.event("listening") or self._ended(), 20, "the server listens")["port"]
        except AssertionError:
            self.process.kill()
            raise

    def configure(self, config):
        self.config_file.write_text(json.dumps(config))

    def _read(self):
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.log.append({"event": "not-json", "level": "error", "message": line})

    def _ended(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.log}")
        return None

    def complaints(self):
        """Warnings and errors in the log."""
        return [line for line in list(self.log) if line["level"] in ("warning", "error") and line["message"].strip()
                and not any(known in line["message"] for known in GSTREAMER_SAYS)]

    def nothing_said(self):
        """A case for cases.report()."""
        said = self.complaints()
        assert not said, said[:5]
        return "no warning and no error in the log"

    def event(self, name, **fields):
        """The last log line of this event with these fields."""
        for line in reversed(list(self.log)):
            if line["event"] == name and all(line.get(key) == value for key, value in fields.items()):
                return line
        return None

    def ask(self, method, path, body=None, headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = json.dumps(body) if isinstance(body, (dict, list)) else body
            kind = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, data, {**kind, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method, path, body=None, headers=None):
        return self.ask(method, "/api/v1" + path, body, headers)

    def status(self, campaign):
        answer = self.api("GET", f"/campaigns/{campaign}")
        return answer.json["status"] if answer.status == 200 else answer.status

    def run(self, campaign, spec=None):
        """Creates it and waits until it runs."""
        answer = self.api("PUT", f"/campaigns/{campaign}", spec or SMALL)
        assert answer.status in (200, 201), (answer.status, answer.json)
        until(lambda: self.status(campaign) == "running", 30, f"campaign {campaign} runs")

    def watch(self, campaign, *options):
        """campaign-load as a child; its report is in `report(child)`."""
        file = tempfile.mkstemp(suffix=".json", dir=self.folder)[1]
        child = subprocess.Popen(
            [self.build / "pipelines" / "load" / "campaign-load", f"--json={file}", *options,
             f"http://127.0.0.1:{self.port}/?campaign={campaign}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        child.report_file = file
        return child

    @staticmethod
    def report(child, timeout=60):
        said, _ = child.communicate(timeout=timeout)
        text = pathlib.Path(child.report_file).read_text()
        assert text, said
        return json.loads(text)

    def signal(self, which):
        self.process.send_signal(which)

    def wait(self, timeout=30):
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def threads(self):
        """But for those that wait for the next viewer, of whom there are more after more viewers at once."""
        count = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                count += (task / "comm").read_text().strip() != "campaign-idle"
            except (FileNotFoundError, ProcessLookupError):  # it ends while it is looked at
                pass
        return count

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self):
        """Resident, in bytes."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def own_memory(self):
        """Resident and no part of a file, in bytes: of code, more is met as time goes by."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        asked = self.process.poll() is None
        if asked:
            self.signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        if self._own:
            self._own.cleanup()
        # Asked to end, it does so well; a sanitizer says otherwise what it found, and in the code.
        if asked and not failure and self.process.returncode != 0:
            said = "".join(line["message"] for line in self.log if line["event"] == "not-json")
            raise AssertionError(f"the server ended with {self.process.returncode}: {said}")
