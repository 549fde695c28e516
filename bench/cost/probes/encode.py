"""Latency of encoding one text at a time."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from bench.cost.answer import Answer, Timed
from bench.cost.devices import Device, open_device
from bench.cost.loading import ModelFiles
from bench.cost.timing import Timing, time_calls
from bench.models.profile import TextContext
from bench.results.schema import Detail

if TYPE_CHECKING:
    from bench.models.encoder import SentenceEncoder


class _Single:
    """Encodes one text, and takes down how long its parts took.

    Attributes:
        parts: Milliseconds of each call, by the name that figures begin with.
    """

    def __init__(self, encoder: SentenceEncoder, context: TextContext, device: Device) -> None:
        self._encoder = encoder
        self._context = context
        self._clock = device.clock()
        self.parts: dict[str, list[float]] = {"encode_tokenise": [], "encode_forward": []}
        if self._clock:
            self.parts["encode_gpu"] = self._clock.milliseconds

    def __call__(self, text: str) -> None:
        start = time.perf_counter()
        features = self._encoder.tokenize([text], self._context)
        between = time.perf_counter()
        with self._clock or nullcontext():
            self._encoder.forward(features, self._context)
        end = time.perf_counter()
        self.parts["encode_tokenise"].append((between - start) * 1000)
        self.parts["encode_forward"].append((end - between) * 1000)


def probe(job: dict[str, Any]) -> Answer:
    """Encode single texts: in all, tokenising and the model apart, and by length.

    Args:
        job: `model` (see ModelFiles), `texts` (by role), `main` (the role that leaderboards show), `threads` (as the
            figures' detail; null for all cores, which has none) and `calls` (see Effort.encode).
    """
    files = ModelFiles.from_job(job["model"])
    encoder = files.load()
    device = open_device(encoder.device)
    before = device.facts()
    answer = Answer(settings={"device": encoder.device, "texts": {role: len(of) for role, of in job["texts"].items()}})
    for role, texts in job["texts"].items():
        context = files.contexts[role]
        lengths = [int(count) for count in encoder.token_counts(texts, context)]
        single = _Single(encoder, context, device)
        timing = time_calls(single, texts, synchronise=device.synchronise, **job["calls"])
        detail: Detail = {"role": role} if role != job["main"] else {}
        detail |= {"threads": job["threads"]} if job["threads"] is not None else {}
        whole = Timed.of("encode", timing).model_copy(update={"detail": detail})
        timed = [whole, *_parts(single, timing, detail)]
        if answer.timed:
            # Only the very first call of a process is a cold one.
            timed = [calls.model_copy(update={"cold_ms": None}) for calls in timed]
        answer.timed += [*timed, *_by_length(lengths, timing, detail)]
    answer.settings |= {"before": before, "after": device.facts()} if before else {}
    return answer


def _parts(single: _Single, timing: Timing, detail: Detail) -> list[Timed]:
    """The parts of the timed calls, those of the cold call apart."""
    return [
        Timed(
            name=name,
            milliseconds=taken[-len(timing.samples_ms) :],
            cold_ms=taken[0],
            warm_up=timing.warm_up,
            detail=detail,
        )
        for name, taken in single.parts.items()
    ]


def _by_length(lengths: list[int], timing: Timing, detail: Detail) -> list[Timed]:
    """The timed calls by the length of their texts."""
    found: dict[str, list[float]] = {}
    # The cold call and those that warmed up came first.
    for call, milliseconds in enumerate(timing.samples_ms, 1 + timing.warm_up):
        found.setdefault(token_range(lengths[call % len(lengths)]), []).append(milliseconds)
    return [
        Timed(name="encode", milliseconds=calls, detail=detail | {"tokens": tokens}) for tokens, calls in found.items()
    ]


def token_range(tokens: int) -> str:
    """The range that a length falls into: from above a power of two to the next, such as 17-32."""
    high = 1 << max(tokens - 1, 0).bit_length()
    low = high // 2 + 1
    return f"{low}-{high}" if low < high else str(high)
