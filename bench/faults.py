"""Exceptions of Python and the system as errors with a way out."""

from __future__ import annotations

import errno
import traceback

from bench.errors import BenchError, UsageError

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run again, finished work is kept",
    errno.EDQUOT: "the disk quota is used up: free some space and run again, finished work is kept",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EMFILE: "allow more open files: ulimit -n 4096",
    errno.ENFILE: "the machine has too many open files: close other programs",
    errno.EIO: "the disk or the network drive fails: check it, then run again",
    errno.ESTALE: "the network drive was lost: mount it again",
    errno.ELOOP: "links lead in a circle: remove one",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOMEM: "close other programs, or use fewer models, tasks or documents at once",
    errno.EAGAIN: "the machine allows no more processes or threads: close other programs",
}
_USE_LESS = (
    "use less: fewer --model, --tasks or --truncate-dims at once, a smaller task or model, or close other programs"
)
_REPORT = (
    "this is a fault of bench: please report it with the output of `bench doctor` and of the same command with "
    "--debug after `bench`, which shows the Python traceback"
)


def as_bench_error(error: BaseException, doing: str) -> BenchError:
    """An error that can be shown to a user: what happened in one line, and what to do.

    Args:
        error: Any exception; a BenchError stays what it is.
        doing: What was being done, such as `bench report`.
    """
    if isinstance(error, BenchError):
        return error
    found = _known(error, doing) or BenchError(_in_words(error), where=doing, hint=_REPORT)
    found.exit_status = getattr(error, "exit_status", found.exit_status)
    found.__cause__ = error
    return found


def _known(error: BaseException, doing: str) -> BenchError | None:
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return BenchError(f"not enough memory{_after_colon(error)}", where=doing, hint=_USE_LESS)
    if isinstance(error, ImportError):
        return BenchError(
            f"a package cannot be imported{_after_colon(error)}",
            where=doing,
            hint="repair the installation: pip install --force-reinstall mrl-bench; `bench doctor` lists what is there",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return _of_system(error, doing)
    if isinstance(error, RecursionError):
        return BenchError(
            "data is nested too deeply", where=doing, hint="look for a file with hundreds of brackets in each other"
        )
    if isinstance(error, UnicodeEncodeError):
        return UsageError(
            f"{error.encoding} cannot write {error.object[error.start : error.end]!a}, which a name or text holds",
            where=doing,
            hint="use a locale with UTF-8: LC_ALL=C.UTF-8, or PYTHONUTF8=1",
        )
    return None


def _of_system(error: OSError, doing: str) -> BenchError:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return BenchError(
        f"{error.strerror or type(error).__name__}",
        where=" and ".join(names) or doing,
        hint=_HINTS.get(error.errno or 0, "check that path, then run again; finished work is kept"),
    )


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether it is how a library, or the loader of libraries, says that memory was not enough."""
    words = ("out of memory", "allocate memory", "bad_alloc", "failed to map segment")
    return isinstance(error, RuntimeError | ImportError) and any(part in str(error) for part in words)


def _after_colon(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f": {text}" if text else ""


def _in_words(error: BaseException) -> str:
    """Type, text and place of an exception."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rpartition('site-packages/')[2]}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{_after_colon(error)}{place}"
