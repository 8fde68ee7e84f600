"""Servers and browsers for the tests; all of them are ended, whatever happens in the test."""
import pathlib
import tempfile

import pytest
from serving import Server
from viewing import Browser

SMALL = ("--width", "640", "--height", "360", "--particles", "100000")


@pytest.fixture
def serve():
    """Starts servers: serve(*options, port=0)."""
    servers = []

    def start(*options, port=0):
        servers.append(Server(*options, port=port))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def small_world():
    """One server that many tests watch; they do not stop it."""
    server = Server(*SMALL)
    yield server
    server.close()


@pytest.fixture
def browser():
    opened = Browser()
    yield opened
    opened.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    opened = item.funcargs.get("browser") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and opened:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="campaign-e2e-failure-"))
        try:
            opened.save(folder)
            report.sections.append(("screenshots and console", str(folder)))
        except Exception as error:  # the browser may be what broke
            report.sections.append(("screenshots and console", f"could not be saved: {error}"))
    server = item.funcargs.get("small_world") if hasattr(item, "funcargs") else None
    if report.failed and server:
        report.sections.append(("the server", server.text))
