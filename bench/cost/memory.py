"""Peak resident memory of this process, by phase."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def peak_rss_mib() -> float | None:
    """VmHWM in MiB: the peak since the process began or `reset_peak` was called; None where there is no /proc.

    `ru_maxrss` is no substitute: a child inherits its parent's.
    """
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return int(found[1]) / 1024
    return None


def reset_peak() -> bool:
    """Start a new phase; False where the kernel does not allow it, and the next peak covers earlier phases too."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
