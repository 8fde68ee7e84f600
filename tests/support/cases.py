"""Test cases that run in order and share what they made, reported as TAP; imported through PYTHONPATH."""
import sys
import traceback


def report(cases):
    """Each case returns in words what it saw, or raises. The exit code."""
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        try:
            print(f"ok {number} - {case()}", flush=True)
        except Exception as why:  # whatever went wrong fails this case only
            failed += 1
            traceback.print_exc(file=sys.stderr)
            first_line = (str(why).splitlines() or [""])[0][:500]
            print(f"not ok {number} - {case.__name__}: {type(why).__name__}: {first_line}", flush=True)
    return 1 if failed else 0
