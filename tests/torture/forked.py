"""Commands of bench, each in a process of its own that is forked from this one, where all libraries are loaded already.

A fork takes milliseconds, and may be limited, starved, robbed of its folder, or killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# No command takes a tenth of this here.
SECONDS = 60
# What a command may take beyond what this process has: enough for the largest model here, not for an endless file.
MEMORY = 3 << 30
CRASHED = 70


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        status: Its exit status; less than 0 for a signal; None where it had to be stopped.
        out: What it wrote to standard output.
        err: And to standard error.
    """

    status: int | None
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err


class Running:
    """A process that was started.

    Args:
        action: What it does; its exit status, where it returns one.
        seconds: When it is stopped.
        streams: Files for its standard output and error instead of temporary ones.
    """

    def __init__(
        self, action: Callable[[], int | None], seconds: float = SECONDS, streams: tuple[int, int] | None = None
    ) -> None:
        self.deadline = time.monotonic() + seconds
        self.files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 - closed when it has ended
        streams = streams or (self.files[0].fileno(), self.files[1].fileno())
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _act(action, streams)

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Outcome:
        """Wait for its end."""
        descriptor = os.pidfd_open(self.pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], max(self.deadline - time.monotonic(), 0))
        finally:
            os.close(descriptor)
        if not ended:
            self.kill()
        _, state = os.waitpid(self.pid, 0)
        texts = []
        for file in self.files:
            with file:
                file.seek(0)
                texts.append(file.read().decode("utf-8", "surrogateescape"))
        return Outcome(os.waitstatus_to_exitcode(state) if ended else None, texts[0], texts[1])


def _act(action: Callable[[], int | None], streams: tuple[int, int]) -> None:
    """Be the child, and never return."""
    status = CRASHED
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        redirect(*streams)
        status = action() or 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def redirect(out: int, err: int) -> None:
    """Send what Python and libraries print to these files."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    open_again()


def open_again() -> None:
    """Make Python's streams those of what descriptors 1 and 2 are now."""
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr


def bench(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str | None] | None = None,
    before: Callable[[], None] | None = None,
    seconds: float = SECONDS,
    streams: tuple[int, int] | None = None,
) -> Running:
    """Start a command of bench.

    Args:
        folder: Where.
        arguments: Its words, without `bench`.
        environment: Variables to set, and with None to take away.
        before: What is done in its process before it starts.
        seconds: When it is stopped.
        streams: See Running.
    """

    def action() -> int | None:
        os.chdir(folder)
        os.environ["BENCH_CACHE"] = str(folder / "cache")
        for name, value in (environment or {}).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        limit_memory(MEMORY)
        if before is not None:
            before()
        from bench.__main__ import main

        sys.argv = ["bench", *arguments]
        main()
        return 0

    return Running(action, seconds, streams)


def limit_memory(more: int) -> None:
    """Allow this process that many bytes of addresses beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def call(folder: Path, *arguments: str, **how: object) -> Outcome:
    """Run a command of bench to its end; see `bench`."""
    return bench(folder, *arguments, **how).wait()


def load_libraries() -> None:
    """Load what commands import, so that the processes need not; nothing of it runs here, as threads do not fork."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import faiss  # noqa: F401
    import matplotlib.backends.backend_svg  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401
    import sentence_transformers  # noqa: F401
    import torch  # noqa: F401
    import transformers

    import bench

    for module in pkgutil.walk_packages(bench.__path__, "bench."):
        # Examples of code for users, and templates, are no modules to import.
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)

    for name in ("AutoModel", "AutoTokenizer", "BertModel", "BertTokenizerFast"):
        getattr(transformers, name)
    # A fork shares pages until someone writes to them, and the collector writes to all.
    gc.collect()
    gc.freeze()
