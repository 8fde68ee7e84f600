"""Runs what README.md prints, as it is printed, and reports in TAP: a README that lies fails the tests.

The word after ```sh says what a block is expected to do:
  (nothing)     ends by itself with success
  env           sets the environment of the blocks that follow
  until-ready   serves a page, here on port=8080 or the one named, and ends at Ctrl-C
  display       plays in a window until Ctrl-C, on a display that nobody sees (Xvfb)
  install       ends with success, and is installed below a folder of this test (DESTDIR)
  build         ends with success, and may take as long as a build
  itself        is this very test run: only its --help is run
A ```c or ```json block with a name after it is a file that later blocks use; JSON without one is a scene.
"""
import fcntl
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
DEADLINE_S = 60
BUILD_DEADLINE_S = 400
# -noreset: autovideosink tries one sink after the other, and between two of them there is no client, on which an X
# server starts anew and for a moment opens to nobody.
DISPLAY = ["xvfb-run", "--auto-servernum", "--server-args=-screen 0 1280x1024x24 -noreset"]


def in_own_network():
    """The ports that README.md names may be taken here, so the examples get a network of their own."""
    if os.environ.get("README_TEST_NETWORK"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            siocsifflags, iff_up = 0x8914, 1
            fcntl.ioctl(control, siocsifflags, struct.pack("16sh14x", b"lo", iff_up))
        return
    for how in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if subprocess.run([*how, "true"], capture_output=True, check=False).returncode == 0:
            os.environ["README_TEST_NETWORK"] = "own"
            os.execvp(how[0], [*how, sys.executable, *sys.argv])
    print("# no network of its own: the examples use this machine's ports")


class Block:
    def __init__(self, line, language, words, text):
        self.line, self.language, self.words, self.text = line, language, words, text

    @property
    def kind(self):
        return self.words[0] if self.words else ""

    @property
    def port(self):
        return next((int(word[5:]) for word in self.words if word.startswith("port=")), 8080)


def blocks(readme):
    for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        line = readme.count("\n", 0, match.start()) + 1
        yield Block(line, match[1], match[2].split(), match[3])


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?campaign=0", timeout=2) as answer:
            return b"<video" in answer.read()
    except OSError:
        return False


class Workplace:
    """A folder that looks like the tree after a build, so that examples leave nothing in the tree itself."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.environment = {**os.environ, "DESTDIR": str(self.folder / "installed")}
        self.prelude = ""
        for entry in ROOT.iterdir():
            if not entry.name.startswith(("build", ".git")):
                (self.folder / entry.name).symlink_to(entry)
        (self.folder / "build").symlink_to(BUILD)

    def start(self, script, log, under):
        script = f"set -euo pipefail\n{self.prelude}{script}"
        return subprocess.Popen([*under, "bash", "-c", script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, script, deadline=DEADLINE_S, until=None, under=()):
        """Runs a script to its end; with `until`, interrupts it as soon as that holds. Returns what went wrong."""
        with tempfile.TemporaryFile("w+") as log:
            process = self.start(script, log, under)
            wrong = None
            try:
                wrong = self._watch(process, log, deadline, until)
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            log.seek(0)
            return f"{wrong}\n{log.read()[-2000:]}" if wrong else None

    def _watch(self, process, log, deadline, until):
        end = time.monotonic() + deadline
        while until and not until(log):
            if process.poll() is not None:
                return f"ended by itself with exit code {process.returncode}"
            if time.monotonic() > end:
                return f"was not ready within {deadline} s"
            time.sleep(0.2)
        if until:
            os.killpg(process.pid, signal.SIGINT)
            end = time.monotonic() + 15
        try:
            code = process.wait(max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return "did not end in time"
        fine = (0, 130, -signal.SIGINT) if until else (0,)
        return None if code in fine else f"exit code {code}"


def plays(log):
    log.flush()
    return "New clock" in os.pread(log.fileno(), 1 << 16, 0).decode(errors="replace")


def check(place, block):
    """What is wrong with a block, or nothing."""
    if block.language in ("c", "json") and block.words:
        (place.folder / block.words[0]).write_text(block.text)
        return None
    if block.language == "json":
        (place.folder / "scene.json").write_text(block.text)
        return place.run("gst-launch-1.0 -q particlesrc num-buffers=2 particles=1000 scene=scene.json ! fakesink")
    if block.language != "sh":
        return f"there is no way to check a block of {block.language}"
    if block.kind == "env":
        place.prelude += block.text
        return None
    if block.kind == "until-ready":
        return place.run(block.text, until=lambda log: answers(block.port))
    if block.kind == "display":
        return place.run(block.text, until=plays, under=DISPLAY)
    if block.kind == "install":
        wrong = place.run(block.text)
        if not wrong and len(list((place.folder / "installed").rglob("libgst*.so"))) < 2:
            wrong = "the plugins were not installed"
        return wrong
    if block.kind == "build":
        return place.run(block.text, deadline=BUILD_DEADLINE_S)
    if block.kind == "itself":
        return place.run(block.text.strip() + " --help")
    return place.run(block.text) if not block.kind else f"unknown kind '{block.kind}'"


def options_missing(readme):
    missing = []
    for command in (ROOT / "pipelines/serve", ROOT / "tests/run", BUILD / "pipelines/load/campaign-load"):
        told = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
        missing += [f"{command.name} {option}" for option in re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE)
                    if not re.search(rf"(`|\s){option}\b", readme)]
    return missing


def scene_fields_differ(readme):
    source = (ROOT / "gst" / "particles" / "scene_json.cpp").read_text()
    known = {name for names in re.findall(r"\.allow\(\{(.*?)\}\)", source, re.DOTALL)
             for name in re.findall(r'"(\w+)"', names)}
    table = readme.partition("| field |")[2].partition("\n\n")[0]
    told = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")}
    return sorted(known ^ told)


def main():
    in_own_network()
    readme = (ROOT / "README.md").read_text()
    found = list(blocks(readme))
    results = 0

    def report(name, wrong):
        nonlocal results
        results += 1
        print(f"{'not ok' if wrong else 'ok'} {results} - {name}")
        for line in str(wrong).splitlines() if wrong else []:
            print(f"# {line}")
        sys.stdout.flush()
        return not wrong

    fine = True
    with tempfile.TemporaryDirectory(prefix="readme-") as folder:
        place = Workplace(folder)
        for block in found:
            title = f"line {block.line}: {block.text.strip().splitlines()[0][:70]}".replace("#", "")
            fine &= report(title, check(place, block))
    fine &= report("there are examples to run", None if len(found) > 10 else f"only {len(found)}")
    fine &= report("every option is told", options_missing(readme))
    fine &= report("every field of a scene is told", scene_fields_differ(readme))
    images = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme)
    fine &= report("the pictures are there", [i for i in images if not (ROOT / i).is_file()] if images else "none")
    print(f"1..{results}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
