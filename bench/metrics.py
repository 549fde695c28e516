"""The names of the metrics that bench computes, which are MTEB's, and of the measures of fidelity."""

from __future__ import annotations

from typing import Literal, get_args

# Ranks at which rankings are cut off.
CUTOFFS = (1, 3, 5, 10, 20, 100, 1000)
RETRIEVAL_METRICS = tuple(
    f"{family}_at_{k}" for family in ("ndcg", "recall", "mrr", "map", "precision", "hit_rate") for k in CUTOFFS
)

SIMILARITIES = ("cosine", "manhattan", "euclidean")
PAIR_METRICS = tuple(f"{name}_{kind}" for name in SIMILARITIES for kind in ("spearman", "pearson"))

# What is told of a view without labels, against the same model at full width in float32 (docs/fidelity.md).
FidelityMeasure = Literal[
    "overlap_at_10",
    "overlap_at_100",
    "rbo",
    "kendall_tau",
    "similarity_correlation",
    "similarity_change",
    "similarity_absolute_change",
    "variance_kept",
    "norm_kept",
]
FIDELITY_MEASURES: tuple[FidelityMeasure, ...] = get_args(FidelityMeasure)
