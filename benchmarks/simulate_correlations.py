"""What intervals of Spearman's correlation, and the gate's verdicts on it, hold over simulated pairs of models.

Run it to write its table of docs/statistics.md anew (a quarter of an hour): python benchmarks/simulate_correlations.py
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy import optimize, stats
from simulate_statistics import LEVEL, PAGE, SIZES, fill, gate, holds, table

from bench.statistics.bootstrap import spearman_interval
from bench.statistics.influence import spearman_influence
from bench.statistics.power import minimum_detectable_effect

# Of the first model's similarities with the gold scores; of good models on sts it is about this.
CORRELATION = 0.8
# Share of what two models get wrong that they get wrong alike.
SHARED = 0.5
INTERVALS = 2_000
PAIRS = 10_000
# What a population's own correlation is worked out on.
WHOLE = 1_000_000
# How gold scores are: continuous, or whole numbers from 0 to 5 as annotators give them.
GOLDS = ("continuous", "0 to 5")
HEADINGS = [
    "gold scores",
    "pairs",
    "interval of a score",
    "regressed, no difference",
    "interval, no difference",
    "drop",
    "interval, a drop",
    "regressed, a drop",
]


def draw(rng, gold, shape, other):
    """Gold scores and the similarities of two models, the second correlated with it by `other`; of a shape each."""
    truth, shared = rng.normal(size=shape), rng.normal(size=shape)
    models = [
        rho * truth + np.sqrt(1 - rho**2) * (np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * rng.normal(size=shape))
        for rho in (CORRELATION, other)
    ]
    return (truth if gold == "continuous" else np.clip(np.round(2.5 + 1.5 * truth), 0, 5)), *models


def drop_of(gold, other):
    """By how much Spearman's correlation of the second model is less, and the spread of a pair's part in that."""
    scores, first, second = draw(np.random.default_rng(0), gold, WHOLE, other)
    parts = spearman_influence(first, scores) - spearman_influence(second, scores)
    return float(parts.mean()), float(parts.std())


def detectable(gold, n):
    """The second model's correlation whose drop is what the gate detects in 80% of samples, and that drop."""

    def lacking(other):
        drop, spread = drop_of(gold, other)
        return drop - float(
            minimum_detectable_effect(np.array([spread / np.sqrt(n)]), n - 1, level=LEVEL, two_sided=False)[0]
        )

    other = optimize.brentq(lacking, 0.1, CORRELATION - 1e-3, xtol=1e-4)
    return other, drop_of(gold, other)[0]


def verdicts(gold, n, other, seed):
    """What the gate says of pairs of models."""
    rng = np.random.default_rng(seed)
    samples = (draw(rng, gold, n, other) for _ in range(PAIRS))
    differences = [
        spearman_influence(second, scores) - spearman_influence(first, scores) for scores, first, second in samples
    ]
    return gate(np.stack(differences, axis=1), np.arange(n), 0.0)


def covered(gold, n, seed):
    """Which intervals of one model's score hold its population's."""
    rng = np.random.default_rng(seed)
    scores, first, _ = draw(np.random.default_rng(0), gold, WHOLE, CORRELATION)
    truth = stats.spearmanr(first, scores).statistic
    ends = [
        spearman_interval(first, scores) for scores, first, _ in (draw(rng, gold, n, 0.5) for _ in range(INTERVALS))
    ]
    return holds(np.array(ends).T, truth)


def line(gold, n, seed):
    """A line of the table."""
    other, drop = detectable(gold, n)
    same, worse = (verdicts(gold, n, rho, (seed, n, place)) for place, rho in enumerate((CORRELATION, other)))
    shares = [
        covered(gold, n, (seed, n, 2)),
        same.verdicts == "regressed",
        holds(same.ends, 0.0),
        None,
        holds(worse.ends, drop),
        worse.verdicts == "regressed",
    ]
    print(gold, n, file=sys.stderr, flush=True)
    return [gold, n, *(f"{drop:.4f}" if share is None else f"{100 * np.mean(share):.1f}" for share in shares)]


if __name__ == "__main__":
    places = [(gold, n, seed) for seed, gold in enumerate(GOLDS) for n in SIZES]
    with ProcessPoolExecutor() as pool:
        lines = list(pool.map(line, *zip(*places, strict=True)))
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), {"correlations": table(lines, HEADINGS)}), encoding="utf-8")
