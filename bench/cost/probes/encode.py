"""Latency of encoding one text at a time."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.cost.answer import Answer, Timed
from bench.cost.loading import ModelFiles
from bench.cost.timing import time_calls


def probe(job: dict[str, Any]) -> Answer:
    """Encode single texts, tokenisation included.

    Args:
        job: `model` (see ModelFiles), `texts` (by role), `main` (the role that leaderboards show), `threads` (as the
            figures' detail; null for all cores, which has none) and `calls` (see Effort.encode).
    """
    files = ModelFiles.from_job(job["model"])
    encoder = files.load()
    answer = Answer()
    for role, texts in job["texts"].items():
        context = encoder.profile.context(files.entry, role)
        timing = time_calls(partial(_encode, encoder, context), texts, **job["calls"])
        detail = {"role": role} if role != job["main"] else {}
        detail |= {"threads": job["threads"]} if job["threads"] is not None else {}
        answer.timed.append(Timed.of("encode", timing, **detail))
    answer.settings = {"device": encoder.device, "texts": {role: len(texts) for role, texts in job["texts"].items()}}
    return answer


def _encode(encoder: Any, context: Any, text: str) -> None:
    encoder.embed([text], context)
