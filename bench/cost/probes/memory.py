"""Peak memory of loading a model and of encoding with it."""

from __future__ import annotations

from typing import Any

from bench.cost.answer import Answer
from bench.cost.devices import Device, open_device, process_memory
from bench.cost.loading import ModelFiles
from bench.cost.memory import PeakMemory
from bench.cost.nvml import NotCountedError
from bench.models.folders.outside import find_outside
from bench.models.folders.weights import weight_files

_ROWS = 32
# The longest texts come first, and with them the peak.
_BATCHES = 4


def probe(job: dict[str, Any]) -> Answer:
    """Load, then encode in batches, and read the peaks.

    Args:
        job: `model` (see ModelFiles), `texts` and `role`.
    """
    import numpy as np

    files = ModelFiles.from_job(job["model"])
    answer = Answer()
    with PeakMemory() as memory:
        encoder = files.load()
        device = open_device(encoder.device)
        answer.add("memory_load_mib", memory.next_phase())
        _gpu_peaks(answer, device, "load")
        before = device.facts()
        context = files.contexts[job["role"]]
        order = np.argsort(-encoder.token_counts(job["texts"], context), kind="stable")[: _ROWS * _BATCHES]
        device.reset_peaks()
        memory.next_phase()
        for start in range(0, len(order), _ROWS):
            encoder.embed([job["texts"][row] for row in order[start : start + _ROWS]], context)
        device.synchronise()
        answer.add("memory_encode_mib", memory.next_phase())
        _gpu_peaks(answer, device, "encode")
        try:
            answer.add("gpu_memory_process_mib", process_memory(device))
        except NotCountedError as error:
            answer.not_measured["gpu_memory_process_mib"] = error.message
    answer.add("weights_bytes", float(encoder.profile.weight_bytes))
    weights = [*weight_files(files.located.path), *find_outside(files.entry, files.located.path).weights]
    answer.add("weights_file_bytes", float(sum(path.stat().st_size for path in weights)))
    answer.settings |= {"device": encoder.device, "texts": len(order), "batch": _ROWS, "resident": memory.how}
    answer.settings |= {"before": before, "after": device.facts()} if before else {}
    return answer


def _gpu_peaks(answer: Answer, device: Device, phase: str) -> None:
    for kind, mib in device.peaks().items():
        answer.add(f"gpu_memory_{phase}_{kind}_mib", mib)
