"""The rows of what encoding costs: one a model, since no view changes it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.results.index import Cost


@dataclass(frozen=True)
class EncodingRow:
    """What encoding with one model costs (ENCODING_COLUMNS explains the figures).

    Attributes:
        model: Name.
        noisy: Whether a figure was taken on a busy machine.
    """

    model: str
    noisy: bool
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    one_thread_ms: float | None
    document_ms: float | None
    texts_per_s: float | None
    tokens_per_s: float | None
    best_batch: float | None
    matmul_share: float | None
    encode_mib: float | None
    weights_mb: float | None
    joules: float | None


def encoding_row(cost: Cost) -> EncodingRow | None:
    """The row of one model; None where nothing of its encoding was measured."""
    weights = cost.value("weights_bytes")
    figures = {
        "p50_ms": cost.value("encode_p50_ms"),
        "p95_ms": cost.value("encode_p95_ms"),
        "p99_ms": cost.value("encode_p99_ms"),
        "one_thread_ms": cost.value("encode_p50_ms", threads=1),
        "document_ms": cost.value("encode_p50_ms", role="document"),
        "texts_per_s": cost.value("encode_texts_per_s"),
        "tokens_per_s": cost.value("encode_tokens_per_s"),
        "best_batch": cost.value("encode_best_batch"),
        "matmul_share": cost.value("encode_matmul_share"),
        "encode_mib": cost.value("memory_encode_mib"),
        "weights_mb": None if weights is None else weights / 1e6,
        "joules": cost.value("energy_j_per_1000_texts"),
    }
    if all(value is None for value in figures.values()):
        return None
    return EncodingRow(cost.record.model.name, cost.noisy, **figures)
