"""Counters of energy: NVML's of a GPU, RAPL's of the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bench import environment
from bench.cost.devices import Cuda, Device
from bench.cost.nvml import Gpu, NotCountedError

_POWERCAP = Path("/sys/class/powercap")
_READABLE = "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"


class Meter(Protocol):
    """Counts energy from `start` on.

    Attributes:
        how: What counts, and what of.
    """

    how: str

    def start(self) -> None:
        """Begin at zero."""

    def joules(self) -> float:
        """Energy since `start`."""


class GpuMeter:
    """All that one GPU uses, idle or not."""

    how = "NVML, the whole GPU"

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._from = gpu.joules()

    def start(self) -> None:
        """Begin at zero."""
        self._from = self._gpu.joules()

    def joules(self) -> float:
        """Energy since `start`."""
        return self._gpu.joules() - self._from


class Rapl:
    """All that the processor packages use, other processes and idle cores included (powercap of Linux).

    Args:
        root: Where the kernel shows its domains.

    Raises:
        NotCountedError: There are none, or this user may not read them.
    """

    how = "RAPL, the whole processor: other processes and idle cores included"

    def __init__(self, root: Path = _POWERCAP) -> None:
        # Domains inside a package (cores, memory) are counted by it; `psys` counts the packages once more.
        self._packages = [
            folder
            for folder in sorted(root.glob("intel-rapl:*"))
            if folder.name.count(":") == 1 and _text(folder / "name").startswith("package")
        ]
        if not self._packages:
            raise NotCountedError("the kernel shows no energy counter of this processor")
        self.start()

    def start(self) -> None:
        """Begin at zero."""
        self._from = [self._read(folder, "energy_uj") for folder in self._packages]

    def joules(self) -> float:
        """Energy since `start`."""
        total = 0
        for folder, before in zip(self._packages, self._from, strict=True):
            now = self._read(folder, "energy_uj")
            # A counter starts again at zero; minutes pass between two times, so it did so once at most.
            total += now - before if now >= before else now - before + self._read(folder, "max_energy_range_uj")
        return total / 1e6

    def _read(self, folder: Path, name: str) -> int:
        try:
            return int((folder / name).read_text(encoding="ascii"))
        except PermissionError as error:
            raise NotCountedError("only root may read the processor's energy counter", hint=_READABLE) from error
        except (OSError, ValueError) as error:
            raise NotCountedError(f"the processor's energy counter cannot be read: {error}") from error


def meter_of(device: Device) -> Meter:
    """What counts the energy of a device.

    Raises:
        NotCountedError: Nothing does.
    """
    if isinstance(device, Cuda):
        return GpuMeter(device.gpu())
    if device.name == "cpu":
        return Rapl()
    raise NotCountedError(f"no counter of {device.name} is known")


def why_not(device: str) -> str | None:
    """Why energy cannot be counted, where that is known without a process that looks; None where it may be.

    Args:
        device: As in the model's entry.
    """
    if device != "cpu" and (device != "auto" or environment.gpus()):
        return None
    try:
        Rapl()
    except NotCountedError as error:
        return reason(error)
    return None


def reason(error: NotCountedError) -> str:
    """Why something is not counted, with what to do about it, on one line."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
