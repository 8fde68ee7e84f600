"""Two servers share their campaigns through a real Redis: a page whose server ends goes on at the other by itself."""
import signal
import socket
import subprocess
import tempfile

import pytest
from serving import HostingServer
from waiting import until

CAMPAIGN = {"particles": 20000, "device": "cpu", "framerate": 30, "ladder": {"rungs": [
    {"name": "low", "threshold": 0, "particles": 20000, "width": 640, "height": 360, "bitrate": 450000}]}}


@pytest.fixture
def redis():
    with tempfile.TemporaryDirectory(prefix="campaign-e2e-redis-") as folder:
        path = f"{folder}/redis.sock"
        process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers():
            assert process.poll() is None, "redis-server ended at once"
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(path)
                    connection.sendall(b"PING\r\n")
                    return connection.recv(100).startswith(b"+PONG")
            except OSError:
                return False

        try:
            until(answers, 10, "redis-server answers")
            yield f"unix://{path}"
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def servers(redis):
    started = []
    try:
        for node in ("east", "west"):
            started.append(HostingServer({}, node=node, redis=redis))
        until(lambda: all(len(server.api("GET", "/nodes")["nodes"]) == 2 for server in started), 20,
              "the servers know each other")
        started[0].api("PUT", "/campaigns/shared", CAMPAIGN)
        until(lambda: started[0].api("GET", "/campaigns/shared")["status"] == "running", 30, "the campaign runs")
        yield started
    finally:
        for server in started:
            server.close()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=["drained", "killed"])
def test_a_page_goes_on_at_the_other_server_with_the_state_it_had(browser, servers, ending):
    def port():
        return viewer.ask("return location.port")

    viewer = browser.open(servers[0].page("shared", peer="guest")).await_state("live", 40)
    viewer.await_new_frames(10)
    first = next(server for server in servers if str(server.port) == port())
    other = next(server for server in servers if server is not first)
    first.api("PATCH", "/campaigns/shared/state", {"score": 7})
    until(lambda: viewer.ask("return window.campaign.world?.state.score") == 7, 10, "the state arrives")

    first.process.send_signal(ending)
    until(lambda: port() == str(other.port), 40, "the page went to the other server")
    viewer.await_state("live", 40)
    viewer.await_new_frames(30, 20)
    assert viewer.known["peer"] == "guest"
    until(lambda: viewer.ask("return window.campaign.world?.state.score") == 7, 10, "the state is there")
