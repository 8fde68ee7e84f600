"""server_test.py BUILD: a server over its life: configurations, failures, reloads, restarts, arrivals, ends.
Prints TAP.
"""
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

from campaign_server import SMALL, Server
from cases import report
from waiting import until

BUILD = sys.argv[1]
PROGRAM = pathlib.Path(BUILD) / "pipelines" / "server" / "campaign-server"

# What a configuration says, and what is told about it.
BAD = [
    ("{", "valid JSON"),
    ("[]", "must be an object"),
    ('{"colour": 1}', "made of host, port"),
    ('{"port": 70000}', "port must be a whole number from 0 to 65535, not 70000"),
    ('{"port": "http"}', "port must be a whole number"),
    ('{"host": "a b"}', "host must be an address"),
    ('{"node_id": "a/b"}', "node_id must be 1 to 64 characters"),
    ('{"advertise": "http://h/path"}', "advertise must be like http://host:8080"),
    ('{"redis": "http://h"}', "the Redis URL must be redis://"),
    ('{"redis": "unix:/run/socket"}', "it begins with neither redis:// nor unix://"),
    ('{"redis": "rediss://:secret@h"}', "TLS is not supported"),
    ('{"codec": "mpeg2"}', "codec must be one of h264, vp8, vp9, av1"),
    ('{"ice_ports": {"min": 10, "max": 5}}', "ice_ports must be a range"),
    ('{"fec_percentage": 101}', "fec_percentage must be a whole number from 0 to 100, not 101"),
    ('{"allowed_origins": ["https://a.example/"]}', 'allowed_origins must be a list of origins like https://example.org'),
    ('{"max_viewers": 0}', "max_viewers must be a whole number from 1"),
    ('{"turn_servers": "turn://x"}', "turn_servers must be an array"),
    ('{"log_level": "loud"}', "log_level must be one of debug, info, warning, error"),
    ('{"api_token_file": "none-such"}', "api_token_file"),
    ('{"on_arrival": {"create": 1}}', "on_arrival.create must be true or false"),
    ('{"on_arrival": {"campaign": {"particles": 0}}}', "on_arrival.campaign: particles"),
    ('{"campaigns": {}}', "campaigns must be an array"),
    ('{"campaigns": [{}]}', "campaigns[0] must be an object with an id"),
    ('{"campaigns": [{"id": "a"}, {"id": "a"}]}', "campaigns[1].id must be unique"),
    ('{"campaigns": [{"id": "a", "particles": -1}]}', "campaigns[0]: particles must be a whole number"),
    ('{"campaigns": [{"id": "a", "scene": "none-such.json"}]}', "none-such.json cannot be read"),
    ('{"campaigns": [{"id": "a", "ladder": {"rungs": []}}]}', "campaigns[0]: ladder"),
]
FLAGS = [
    (["--port", "65536"], "--port must be a whole number from 0 to 65535, not 65536"),
    (["--colour"], "--colour"),
    (["here"], "'here' is not an option"),
    (["--log-level", "loud"], "--log-level must be debug, info, warning or error"),
    (["--node-id", "a b"], "node_id must be"),
    (["--config", "/none/such"], "The configuration /none/such cannot be read"),
]


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False)


def bad_configurations():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "config.json")
        for text, told in BAD:
            file.write_text(text)
            result = run("--config", str(file))
            assert result.returncode == 2, (text, result.returncode, result.stderr)
            assert told in result.stderr, f"{text}: {result.stderr}"
            assert "secret" not in result.stderr, result.stderr
    for flags, told in FLAGS:
        result = run(*flags)
        assert result.returncode == 2 and told in result.stderr, f"{flags}: {result.returncode} {result.stderr}"
    assert "--redis" in run("--help").stdout
    return f"{len(BAD)} configurations and {len(FLAGS)} command lines that cannot be are refused with the place"


def port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("--state", "none", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1 and "is in use" in result.stderr, result.stderr
    return "a port in use is told in words"


def one_failing_campaign():
    bad = {**SMALL, "device": "no-such-device"}
    with Server(BUILD, {"campaigns": [{"id": "good", **SMALL}]}) as server:
        until(lambda: server.status("good") == "running", 30, "the good one runs")
        child = server.watch("good", "--viewers=2", "--duration=6")
        until(lambda: server.api("GET", "/campaigns/good/viewers").json["viewers"], 20, "somebody watches")
        server.api("PUT", "/campaigns/bad", bad)
        failed = until(lambda: next((answer.json for answer in [server.api("GET", "/campaigns/bad")]
                                     if answer.json["restarts"] >= 3), None), 30, "three restarts")
        assert failed["status"] == "restarting" and "no-such-device" in failed["last_failure"], failed
        def retries():
            return [line["retry_seconds"] for line in list(server.log) if line["event"] == "campaign-failed"]
        until(lambda: len(retries()) >= 3, 10, "three failures are logged")
        waits = retries()
        assert waits[2] > waits[0] * 2, waits
        assert server.ask("GET", "/readyz").status == 200
        seen = server.report(child)
        assert server.status("good") == "running"
        assert server.api("GET", "/campaigns/good").json["restarts"] == 0
        assert_undisturbed(seen)
        assert server.api("DELETE", "/campaigns/bad").status == 204
    return f"a campaign that fails is started again ever later ({waits[0]:.1f} to {waits[2]:.1f} s), others play on"


def one_failing_encoder():
    """openh264enc takes no picture of more than 9,437,184 pixels."""
    too_large = {"rungs": [{**SMALL["ladder"]["rungs"][0], "width": 4096, "height": 4096}]}
    with Server(BUILD, {"encoder": "openh264enc", "campaigns": [{"id": "good", **SMALL}]}) as server:
        until(lambda: server.status("good") == "running", 30, "the good one runs")
        child = server.watch("good", "--viewers=2", "--duration=4")
        until(lambda: server.api("GET", "/campaigns/good/viewers").json["viewers"], 20, "somebody watches")
        server.api("PUT", "/campaigns/bad", {**SMALL, "ladder": too_large})
        until(lambda: server.api("GET", "/campaigns/bad").json["restarts"] >= 2, 30, "two restarts")
        seen = server.report(child)
        assert_undisturbed(seen)
        assert server.api("GET", "/campaigns/good").json["restarts"] == 0
        assert not server.event("element-failed"), server.event("element-failed")
        assert server.api("PATCH", "/campaigns/bad", {"ladder": SMALL["ladder"]}).status == 200
        until(lambda: server.status("bad") == "running", 60, "it runs in a size that can be encoded")
        child = server.watch("bad", "--viewers=1", "--duration=1")
        assert_undisturbed(server.report(child))
    return f"an encoder that fails restarts its campaign alone, {seen['frames']} frames of the other went on"


def assert_undisturbed(seen):
    assert seen["failures"] == {} and seen["viewers_without_frames"] == 0, seen["failures"]
    broken = {name: seen[name] for name in ("incomplete_frames", "undecodable_frames", "backward_timestamps", "lost")}
    assert not any(broken.values()), broken


def restart_keeps_state():
    with tempfile.TemporaryDirectory(prefix="campaign-server-test-") as folder:
        with Server(BUILD, {"campaigns": [{"id": "configured", **SMALL}]}, folder=folder) as server:
            server.run("made")
            server.api("PATCH", "/campaigns/made/state", {"score": 42})
            server.api("PATCH", "/campaigns/made", {"particles": 700})
            server.api("PATCH", "/campaigns/configured/state", {"kept": True})
            before = server.api("GET", "/campaigns/made").json
            server.signal(signal.SIGKILL)
            server.wait()
        config = {"campaigns": [{"id": "configured", **SMALL, "particles": 900}]}
        with Server(BUILD, config, folder=folder) as server:
            until(lambda: server.status("made") == "running", 30, "it runs again")
            after = server.api("GET", "/campaigns/made").json
            assert {**after, "status": 0, "restarts": 0} == {**before, "status": 0, "restarts": 0}, (before, after)
            until(lambda: server.api("GET", "/campaigns/configured").json.get("particles") == 900, 10,
                  "the configuration wins")
            assert server.api("GET", "/campaigns/configured").json["state"] == {"kept": True}
            blocked = run("--state", str(pathlib.Path(folder, "state")), "--port", "0")
            assert blocked.returncode == 1 and "in use by another server" in blocked.stderr, blocked.stderr
    return "what was answered for survives SIGKILL, and the configuration's members win"


def reload():
    with Server(BUILD, {"campaigns": [{"id": "a", **SMALL}, {"id": "b", **SMALL}]}) as server:
        until(lambda: server.status("a") == server.status("b") == "running", 30, "both run")
        server.configure({"port": 1, "max_campaigns": 3, "on_arrival": {"create": True, "campaign": SMALL},
                          "campaigns": [{"id": "a", **SMALL, "particles": 800}, {"id": "c", **SMALL}]})
        server.signal(signal.SIGHUP)
        until(lambda: server.event("reloaded"), 10, "it was read")
        until(lambda: server.status("c") == "running" and server.status("b") == 404, 30, "c came and b went")
        changed = server.api("GET", "/campaigns/a").json
        assert changed["particles"] == 800 and changed["restarts"] == 0, changed
        server.configure({"max_campaigns": 0})
        server.signal(signal.SIGHUP)
        refused = until(lambda: server.event("not-reloaded", level="error"), 10, "a bad one is refused")
        assert "max_campaigns" in refused["message"]
        assert server.status("a") == "running"
    return "SIGHUP creates, changes and deletes what the configuration does, and refuses a bad one"


def arrival():
    config = {"max_campaigns": 2, "on_arrival": {"create": True, "idle_seconds": 1, "campaign": SMALL}}
    with Server(BUILD, config) as server:
        child = server.watch("wished-for", "--viewers=3", "--duration=2")
        until(lambda: server.status("wished-for") == "running", 30, "it was made")
        seen = server.report(child)
        until(lambda: server.status("wished-for") == 404, 15, "it ended with its viewers")
    assert seen
    return "a viewer's arrival makes the campaign, and it ends some time after the last one"


def drain():
    with Server(BUILD, {"drain_seconds": 10, "campaigns": [{"id": "0", **SMALL}]}) as server:
        until(lambda: server.status("0") == "running", 30, "it runs")
        child = server.watch("0", "--viewers=2", "--duration=30")
        until(lambda: len(server.api("GET", "/campaigns/0/viewers").json["viewers"]) == 2, 20, "two watch")
        server.signal(signal.SIGTERM)
        until(lambda: server.event("draining"), 10, "it drains")
        ready = server.ask("GET", "/readyz")
        assert (ready.status, ready.json["draining"]) == (503, True), ready.json
        alive = server.ask("GET", "/healthz")
        # The pages of other servers ask.
        assert (alive.status, alive.headers["Cross-Origin-Resource-Policy"]) == (200, "cross-origin"), alive.headers
        denied = server.api("PUT", "/campaigns/late", SMALL)
        assert (denied.status, denied.code) == (503, "draining"), denied.json
        until(lambda: server.event("draining", viewers=2), 10, "the viewers are still there")
        late = server.watch("0", "--viewers=1", "--duration=1")
        late.wait(20)
        assert server.wait(20) == 0
        assert late.returncode == 1
        child.terminate()
        child.communicate(timeout=20)
        assert server.event("stopped"), server.log[-3:]
    with Server(BUILD, {"drain_seconds": 600, "campaigns": [{"id": "0", **SMALL}]}) as server:
        until(lambda: server.status("0") == "running", 30, "it runs")
        server.signal(signal.SIGTERM)
        assert server.wait(20) == 0
    return "SIGTERM takes no new viewers, lets those there watch until the deadline, and ends at once without any"


def logs():
    with Server(BUILD, {"campaigns": [{"id": "0", **SMALL}]}) as server:
        until(lambda: server.status("0") == "running", 30, "it runs")
        server.watch("0", "--viewers=1", "--duration=1").communicate(timeout=60)
        until(lambda: server.event("viewer-removed", campaign="0"), 20, "the viewer left")
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        for line in server.log:
            assert {"time", "level", "event", "message"} <= line.keys(), line
            assert line["level"] not in ("warning", "error"), line
        assert server.event("viewer-added", campaign="0")["peer"], server.log
    return f"{len(server.log)} lines of log, each JSON, with campaign and peer"


if __name__ == "__main__":
    sys.exit(report([bad_configurations, port_in_use, one_failing_campaign, one_failing_encoder, restart_keeps_state, reload, arrival, drain,
                     logs]))
