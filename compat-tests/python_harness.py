"""
What the programs in Python that show a client's features have in common.

usage of such a program: features.py BOOTSTRAP FEATURE...

It runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
{"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
`features.py BOOTSTRAP --worker ARGS...` is the worker that the feature `crash and resume` kills.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import uuid

DEADLINE_S = 25
# The least that group.min.session.timeout.ms lets through by default.
SESSION_TIMEOUT_MS = 6000
HOLDING = "holding 10"


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:10]}"


def numbered(count):
    return [f"message {index}".encode() for index in range(count)]


def expect(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def until(what, probe):
    """Asks `probe` until its answer is true."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what}: not so within {DEADLINE_S} s")


def refusal(action):
    """The error that `action` ends with, or None."""
    try:
        action()
    except Exception as error:  # whatever it is, it is the answer
        return error
    return None


def shared(held, partitions):
    """Each partition is held by exactly one of several readers and no reader is idle."""
    return all(held) and sorted(sum(held, [])) == list(range(partitions))


def crashed_worker(bootstrap, *args):
    """Starts this program again as a worker, waits until it holds the message at offset 10, and kills it then."""
    worker = subprocess.Popen(
        [sys.executable, "-B", sys.argv[0], bootstrap, "--worker", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in worker.stdout:
        if line == f"{HOLDING}\n":
            break
    worker.send_signal(signal.SIGKILL)
    expect(worker.wait(), -signal.SIGKILL, "the worker's end")


def hold():
    """Says that the worker has come to the message at offset 10, and waits for its end."""
    print(HOLDING, flush=True)
    signal.pause()


def main(features, worker):
    """`features`: name -> function; `worker`: called with the arguments that `crashed_worker` was given."""
    names = sys.argv[2:]
    if names[0] == "--worker":
        # Never without a parent.
        threading.Thread(target=lambda: sys.stdin.read() or os._exit(1), daemon=True).start()
        worker(*names[1:])
        return
    # A process for each: threads would wait for one another more than for the broker.
    processes = [FORK.Process(target=show, args=(name, features[name])) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


FORK = multiprocessing.get_context("fork")
printing = FORK.Lock()


def show(name, feature):
    told = {"feature": name, "error": None}
    try:
        told.update(feature() or {})
    except BaseException:  # whatever it is, it is this feature's result
        told["error"] = traceback.format_exc()
    with printing:
        print(json.dumps(told), flush=True)
    # What a client has left running is of no interest any more.
    os._exit(0)
