"""FIFOs, devices and sockets in the place of files, and an alarm for what waits for them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_time(seconds: int = 60) -> Iterator[None]:
    """What waits for a FIFO, or reads a device without an end, fails instead."""

    def late(*_: object) -> None:
        raise TimeoutError("it waits for something that never comes")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fifo(path: Path) -> Path:
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def device(path: Path) -> Path:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")
    return path


def listening(path: Path) -> Path:
    path.unlink(missing_ok=True)
    here = Path.cwd()
    # The name of a socket may only be a hundred bytes long.
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)
    return path


KINDS = [(fifo, "a FIFO"), (device, "a character device"), (listening, "a socket")]
