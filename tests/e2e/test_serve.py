"""pipelines/serve as a command: its address, its end, and its answers to what can not be."""
import json
import socket
import subprocess
import urllib.request

import pytest
from conftest import SMALL
from serving import SERVE, alive, children
from waiting import until


def run(*options):
    return subprocess.run([str(SERVE), *options], capture_output=True, text=True, timeout=60, check=False)


def test_the_page_answers_once_its_address_is_told_and_ctrl_c_leaves_nothing(serve):
    server = serve(*SMALL)
    with urllib.request.urlopen(server.url, timeout=5) as answer:
        assert answer.status == 200
        assert b"<video" in answer.read()
    below = children(server.process.pid)
    assert below
    assert server.interrupt() == 0
    until(lambda: not any(map(alive, below)), 5, "every process has ended")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=2)


def test_a_pipeline_that_dies_is_told_and_is_not_a_success(serve):
    server = serve(*SMALL)
    server.kill()
    assert server.process.returncode == 1
    until(lambda: "ended by itself" in server.text, 5, "the end is told")


def test_a_port_in_use_is_told_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("--port", str(port))
    assert result.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in result.stderr
    assert "--port" in result.stderr


def test_a_scene_with_spaces_and_quotes_arrives_as_it_is(serve):
    scene = {"name": 'a "quoted" \\ name', "emitters": [{"shape": "ball", "size": [1, 1, 0], "life": {"min": 6, "max": 10}}]}
    serve(*SMALL, "--scene", json.dumps(scene))


@pytest.mark.parametrize("options, told", [
    (["--colour", "red"], "no option --colour"),
    (["here"], "'here' is not an option"),
    (["--port"], "--port needs a value"),
    (["--port", "http"], "--port must be a whole number from 0 to 65535, not 'http'"),
    (["--port=65536"], "not '65536'"),
    (["--particles", "0"], "--particles must be a whole number from 1"),
    (["--particles", "-5"], "not '-5'"),
    (["--width", "641"], "even"),
    (["--fps", "0"], "--fps must be"),
    (["--host", "a b"], "--host must be"),
])
def test_an_option_that_can_not_be_is_told_precisely(options, told):
    result = run(*options)
    assert result.returncode == 1
    assert told in result.stderr
    assert "--help" in result.stderr


def test_a_scene_that_does_not_exist_ends_with_the_reason():
    result = run(*SMALL, "--port", "0", "--scene", "no-such-scene")
    assert result.returncode == 1
    assert "no-such-scene" in result.stderr
    assert "could not be started" in result.stderr


def test_help_lists_every_option():
    result = run("--help")
    assert result.returncode == 0
    for option in ("--port", "--host", "--particles", "--scene", "--width", "--height", "--fps", "--help"):
        assert option in result.stdout
