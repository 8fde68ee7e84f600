"""Counts single test cases from what the runners left in build folders, for tests/run.

A program that crashes, hangs or leaves no result counts as a failure, and so does a run without any case. Each
failure is listed with the first of what the case said, as often only the end of a run is at hand.
"""
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as xml


MOST_LINES, LONGEST_LINE = 6, 200


def shortened(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return [line[:LONGEST_LINE] for line in lines[:MOST_LINES]]


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skipped = []

    def junit(self, path):
        """Adds the cases of one JUnit file; says whether there were any."""
        try:
            root = xml.parse(path).getroot()
        except (OSError, xml.ParseError):
            return False
        cases = list(root.iter("testcase"))
        for case in cases:
            name = f"{case.get('classname')}.{case.get('name')}"
            problem = next((found for found in map(case.find, ("failure", "error")) if found is not None), None)
            if problem is not None:
                self.fail(name, problem.get("message"))
            elif case.find("skipped") is not None or case.get("result") == "skipped":
                self.skipped.append(name)
            elif case.get("status") != "notrun":  # gtest's DISABLED_ cases
                self.passed += 1
        return bool(cases)

    def tap(self, program, text):
        """Adds the top level results of a TAP stream, whose comments come before their case; says whether there were
        any.
        """
        found, said = False, []
        for line in text.splitlines():
            if line.startswith("#"):
                said.append(line[1:])
                continue
            if line.startswith("ok "):
                self.passed += 1
            elif line.startswith("not ok "):
                self.fail(f"{program}: {line[7:]}", "\n".join(said))
            else:
                continue
            found, said = True, []
        return found

    def fail(self, name, why=""):
        self.failures.append((name, shortened(why)))


def meson_tests(build):
    listed = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True)
    return json.loads(listed.stdout)


def gtest_file(build, test):
    """Where Meson makes GoogleTest write its results."""
    return pathlib.Path(test["workdir"] or build) / f"{test['name']}.xml"


def forget(build):
    """Removes earlier results, so that a program that crashes today does not count as it did yesterday."""
    for test in meson_tests(build):
        gtest_file(build, test).unlink(missing_ok=True)
    (build / "meson-logs" / "testlog.json").unlink(missing_ok=True)
    (build / "e2e.xml").unlink(missing_ok=True)


def count_meson(build, tally):
    tests = {test["name"]: test for test in meson_tests(build)}
    try:
        log = (build / "meson-logs" / "testlog.json").read_text().splitlines()
    except OSError:
        tally.fail("meson test left no log")
        return
    for run in map(json.loads, log):
        name = run["name"].rsplit(" / ", 1)[-1]
        failures_before = len(tally.failures)
        protocol = tests.get(name, {}).get("protocol")
        if protocol == "gtest":
            told = tally.junit(gtest_file(build, tests[name]))
        elif protocol == "tap":
            told = tally.tap(name, run["stdout"] or "")
        else:
            told = run["result"] == "OK"
            tally.passed += told
        if len(tally.failures) > failures_before:
            continue
        if run["result"] == "SKIP":
            tally.skipped.append(name)
        elif run["result"] != "OK":
            tally.fail(f"{name}: {run['result']}, exit code {run['returncode']}")
        elif not told:
            tally.fail(f"{name}: left no result")


def main(action, *builds):
    """`forget <build folder>…`, or `count <build folder>=<runner>,<runner>…`, of meson and e2e."""
    if action == "forget":
        for build in builds:
            forget(pathlib.Path(build))
        return 0
    tally = Tally()
    for build, runners in (argument.split("=") for argument in builds):
        build = pathlib.Path(build)
        if "meson" in runners.split(","):
            count_meson(build, tally)
        if "e2e" in runners.split(",") and not tally.junit(build / "e2e.xml"):
            tally.fail("the browser tests left no result")
    if not tally.passed and not tally.failures:
        tally.fail("no test ran")

    print()
    for name in tally.skipped:
        print(f"skipped: {name}")
    for name, said in tally.failures:
        print(f"FAILED: {name}")
        for line in said:
            print(f"    {line}")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
