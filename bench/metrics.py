"""The names of the metrics that bench computes: MTEB's."""

from __future__ import annotations

# Ranks at which rankings are cut off.
CUTOFFS = (1, 3, 5, 10, 20, 100, 1000)
RETRIEVAL_METRICS = tuple(
    f"{family}_at_{k}" for family in ("ndcg", "recall", "mrr", "map", "precision", "hit_rate") for k in CUTOFFS
)

SIMILARITIES = ("cosine", "manhattan", "euclidean")
PAIR_METRICS = tuple(f"{name}_{kind}" for name in SIMILARITIES for kind in ("spearman", "pearson"))
