"""How often bounds of losses (bench.statistics.losses) are wrong over simulated pairs of runs.

Run it to write its tables of docs/statistics.md anew (some ten minutes): python benchmarks/simulate_losses.py
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from simulate_correlations import CORRELATION, GOLDS, drop_of
from simulate_correlations import draw as draw_pairs
from simulate_statistics import PAGE, POPULATIONS, SIZES, Normal, fill, table

from bench.statistics.influence import spearman_influence
from bench.statistics.losses import LEVEL, LossBounds, loss_bounds

PAIRS = 2_000
AT_ONCE = 1_000
MARGINS = (0.01, 0.05)
# Families of views of one model: each adds to the losses of the one before.
FAMILIES = 400
VIEWS = 16
LEAST, SHOWN = "at most the margin", "more than the margin"


class Rare(Normal):
    """All scores are equal, but a share of the queries is lost altogether: what a small sample need not hold."""

    name = "rare"

    def draw(self, rng, n, samples, drop):
        return np.where(rng.random((n, samples)) < drop, -1.0, 0.0)


class Balanced(Normal):
    """The same with half as much lost, and 30% of the queries gain a little."""

    name = "rare, gains"

    def draw(self, rng, n, samples, drop):
        fate = rng.random((n, samples))
        lost = (drop + 0.3 * 0.1) / 0.5
        return np.where(fate < lost, -0.5, np.where(fate < lost + 0.3, 0.1, 0.0))


ALL = (*POPULATIONS, Rare(), Balanced())


def percent(found):
    """A share of all claims."""
    return f"{100 * np.mean(found):.1f}"


def single(population, n, seed):
    """A line of the table of single candidates: wrong claims of either kind, a margin after the other."""
    found = []
    for margin in MARGINS:
        rng, claims = np.random.default_rng((seed, n, round(1000 * margin))), []
        for _ in range(PAIRS // AT_ONCE):
            losses = -population.draw(rng, n, AT_ONCE, margin)
            claims += loss_bounds(losses, population.clusters(n), together=False).claims(margin)
        found += [percent([claim == what for claim in claims]) for what in (LEAST, SHOWN)]
    return [population.name, n, *found]


def family(population, n, seed):
    """A line of the table of families: whether any of VIEWS views at the margin is said to be below it, or above."""
    rng, margin, found = np.random.default_rng((seed, n, 7)), 0.05, []
    for _ in range(FAMILIES):
        own = population.draw(rng, n, VIEWS, margin)
        # A view differs from its neighbour on a fifth of the items.
        for view in range(1, VIEWS):
            same = rng.random(n) < 0.8
            own[same, view] = own[same, view - 1]
        claims = loss_bounds(-own, population.clusters(n)).claims(margin)
        found.append([LEAST in claims, SHOWN in claims])
    return [population.name, n, *map(percent, np.transpose(found))]


def power(population, seed):
    """A line of the table of power: items that a margin needs, and how often what loses nothing is then shown."""
    line = [population.name]
    for place, margin in enumerate((0.01, 0.02, 0.05)):
        rng = np.random.default_rng((seed, place))
        spread = loss_bounds(-population.draw(rng, 20_000, 1, 0.0)).spread
        n = LossBounds(np.zeros(1), np.zeros(1), np.zeros(1), spread, 0, 1.0, LEVEL).needed(margin)[0]
        claims = []
        for _ in range(2):
            claims += loss_bounds(-population.draw(rng, n, AT_ONCE // 2, 0.0), together=False).claims(margin)
        line += [n, percent([claim == LEAST for claim in claims])]
    return line


def correlated(gold, n, seed):
    """A line of the table of correlations: wrong claims where the loss of Spearman's correlation is the margin."""
    found = []
    for place, other in enumerate((CORRELATION - 0.01, CORRELATION - 0.05)):
        margin = drop_of(gold, other)[0]
        rng, claims = np.random.default_rng((seed, n, place)), []
        for _ in range(PAIRS // AT_ONCE):
            samples = (draw_pairs(rng, gold, n, other) for _ in range(AT_ONCE))
            losses = [spearman_influence(a, scores) - spearman_influence(b, scores) for scores, a, b in samples]
            claims += loss_bounds(np.stack(losses, axis=1), together=False).claims(margin)
        found += [f"{margin:.4f}", *(percent([claim == what for claim in claims]) for what in (LEAST, SHOWN))]
    return [gold, n, *found]


def lines(pool, make, *places):
    """Lines of a table, made beside one another."""
    return list(pool.map(make, *zip(*places, strict=True)))


def tables():
    """The tables of the page by name."""
    places = [(population, n, seed) for seed, population in enumerate(ALL) for n in SIZES]
    wrong = [f"{margin}: {what}" for margin in MARGINS for what in ("at most", "more")]
    pairs = [(gold, n, seed) for seed, gold in enumerate(GOLDS) for n in SIZES]
    plain = [(population, seed) for seed, population in enumerate(ALL) if population.name != "clusters"]
    needs = [heading for margin in (0.01, 0.02, 0.05) for heading in (f"items for {margin}", "shown")]
    with ProcessPoolExecutor() as pool:
        return {
            "loss-single": table(lines(pool, single, *places), ["losses", "items", *wrong]),
            "loss-family": table(lines(pool, family, *places), ["losses", "items", "any at most", "any more"]),
            "loss-power": table(lines(pool, power, *plain), ["losses", *needs]),
            "loss-correlations": table(
                lines(pool, correlated, *pairs),
                ["gold scores", "pairs", "loss", "at most", "more", "larger loss", "at most ", "more "],
            ),
        }


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), tables()), encoding="utf-8")
    print("written", PAGE, file=sys.stderr)
