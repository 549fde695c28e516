"""Our scores under MTEB's names, as its evaluator gives them."""

from __future__ import annotations

from bench.results.schema import QualityRecord, ViewScores

NAUC = "nauc_"
# MTEB's `pearson` and `spearman` are those of the model's own similarity.
OWN_SIMILARITY = ("pearson", "spearman")


def mteb_values(record: QualityRecord, scores: ViewScores) -> dict[str, float]:
    """The values of a view that MTEB's result files have, where it ties in MTEB's order; without `main_score`.

    Args:
        record: The record.
        scores: One of its views.
    """
    found = {name: value.value for name, value in scores.metrics.items()} | scores.mteb
    if record.task.type == "retrieval" and "recall_at_1" in found:
        found["accuracy"] = found["recall_at_1"]
    if record.task.type == "sts" and record.model.similarity == "cosine":
        own = {name: found[f"cosine_{name}"] for name in OWN_SIMILARITY if f"cosine_{name}" in found}
        found = own | found
    return found


def why_absent(name: str, record: QualityRecord) -> str:
    """Why a record has no value by a name of MTEB's."""
    if name in OWN_SIMILARITY:
        return "it is of the model's own similarity, which is not cosine"
    if name.startswith(NAUC) and record.task.type != "sts":
        return "it is not defined where all queries score the same"
    return "bench does not compute it"
