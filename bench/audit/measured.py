"""The standard deviations of paired differences that the project's own results have, by metric.

`python tests/test_docs.py` writes the numbers anew from results/ (tests/measured_deviations.py says which count).
"""

from __future__ import annotations

from bench.audit.deviations import Spread

MEASURED: dict[str, dict[str, Spread]] = {
    # measured
    "ndcg_at_10": {
        "int8 against float32": Spread(13, 0.018, 0.039),
        "50% of dimensions against all": Spread(13, 0.168, 0.196),
        "binary against float32": Spread(13, 0.217, 0.263),
        "25% of dimensions against all": Spread(13, 0.242, 0.287),
        "12.5% of dimensions against all": Spread(13, 0.316, 0.36),
        "two fine-tuned models": Spread(8, 0.12, 0.139),
        "fine-tuned against pretrained": Spread(10, 0.242, 0.358),
        "embedding model against BM25": Spread(13, 0.315, 0.44),
        "two pretrained models": Spread(1, 0.337, 0.337),
    },
    "mrr_at_10": {
        "int8 against float32": Spread(13, 0.021, 0.045),
        "50% of dimensions against all": Spread(13, 0.194, 0.229),
        "binary against float32": Spread(13, 0.239, 0.302),
        "25% of dimensions against all": Spread(13, 0.261, 0.32),
        "12.5% of dimensions against all": Spread(13, 0.334, 0.393),
        "two fine-tuned models": Spread(8, 0.141, 0.179),
        "fine-tuned against pretrained": Spread(10, 0.273, 0.413),
        "embedding model against BM25": Spread(13, 0.355, 0.495),
        "two pretrained models": Spread(1, 0.389, 0.389),
    },
    "recall_at_10": {
        "int8 against float32": Spread(13, 0.043, 0.086),
        "50% of dimensions against all": Spread(13, 0.221, 0.299),
        "binary against float32": Spread(13, 0.276, 0.347),
        "25% of dimensions against all": Spread(13, 0.322, 0.404),
        "12.5% of dimensions against all": Spread(13, 0.423, 0.472),
        "two fine-tuned models": Spread(8, 0.169, 0.193),
        "fine-tuned against pretrained": Spread(10, 0.333, 0.377),
        "two pretrained models": Spread(1, 0.366, 0.366),
        "embedding model against BM25": Spread(13, 0.381, 0.574),
    },
    "cosine_spearman": {
        "int8 against float32": Spread(8, 0.005, 0.009),
        "50% of dimensions against all": Spread(8, 0.128, 0.163),
        "binary against float32": Spread(8, 0.179, 0.248),
        "25% of dimensions against all": Spread(8, 0.2, 0.244),
        "12.5% of dimensions against all": Spread(8, 0.307, 0.34),
        "two fine-tuned models": Spread(1, 0.089, 0.089),
        "fine-tuned against pretrained": Spread(4, 0.234, 0.361),
        "two pretrained models": Spread(1, 0.32, 0.32),
    },
    # end
}
