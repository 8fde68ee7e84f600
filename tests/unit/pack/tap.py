"""What the two programs that check updates with the independent decoder share: cases, reported as TAP."""
import subprocess

from update_decoder import Refused


def report(cases):
    """Each case returns what it saw, or raises. The exit code."""
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            print(f"ok {number} - {case()}")
        except (AssertionError, Refused, subprocess.SubprocessError) as why:
            failed += 1
            print(f"not ok {number} - {why}")
    return 1 if failed else 0
