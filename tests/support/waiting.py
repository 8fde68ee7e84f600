"""Waiting for what a test needs; imported through PYTHONPATH."""
import time


def until(condition, seconds, what, every=0.1):
    """Waits for a condition, and says what was awaited when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}; last seen: {value!r}")
        time.sleep(every)
