"""What a rehearsal demands, and how long it waits for it."""

import socket
import time

PATIENCE = 60


class Failed(Exception):
    pass


def check(holds, text):
    if not holds:
        raise Failed(text)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, holds):
    """Asks again and again, for there is nothing to wait on, until a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        check(time.monotonic() < deadline, f"{what}: not within {PATIENCE} s")
        time.sleep(0.05)
