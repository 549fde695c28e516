"""What the statistics of bench.statistics, and the gate's verdicts, hold over simulated pairs of runs.

Run it to write the tables of docs/statistics.md anew (a quarter of an hour): python benchmarks/simulate_statistics.py
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize
from tabulate import tabulate

from bench.gate.evidence import Question, decide, weigh
from bench.statistics.bootstrap import mean_intervals
from bench.statistics.paired import holm, paired_test
from bench.statistics.permutation import sign_flip_test
from bench.statistics.power import minimum_detectable_effect

PAGE = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
SIZES = (50, 300, 1000)
PAIRS = 10_000
# Pairs of runs at once, to bound memory.
AT_ONCE = 2_000
LEVEL = 0.05
# What a mean may fall before the gate is to speak, where a tolerance is tested.
TOLERANCE = 0.01
# Checks that the gate makes of a run at once, where its correction for many is tested.
CHECKS = 10

# nDCG@10 of a query with one relevant document, by its rank, coarsened; 40% find nothing.
SCORES = np.array([0.0, 0.29, 0.32, 0.39, 0.43, 0.5, 0.63, 1.0])
SHARES = np.array([0.4, 0.04, 0.05, 0.05, 0.06, 0.08, 0.12, 0.2])
MEAN, SQUARE = float(SHARES @ SCORES), float(SHARES @ SCORES**2)
UP = np.append(np.diff(SCORES), 0.0)


class Normal:
    """Differences are normal, with a standard deviation of 0.2."""

    name = "normal"

    def spread(self, drop):  # noqa: ARG002 - all populations are asked alike
        """Standard deviation of a difference where the mean is -drop."""
        return 0.2

    def draw(self, rng, n, samples, drop):
        """Differences of n items whose true mean is -drop, shape (n, samples)."""
        return rng.normal(-drop, 0.2, (n, samples))

    def clusters(self, n):
        """Numbers of the items' clusters."""
        return np.arange(n)

    def error(self, n, drop):
        """Standard error of the mean."""
        return self.spread(drop) / np.sqrt(n)


class Clustered(Normal):
    """Clusters of 1, 2, 3 and 4 items in turns; half of the variance of a difference is its cluster's."""

    name = "clusters"

    def clusters(self, n):
        c = int(np.ceil(n / 10)) * 4
        return np.repeat(np.arange(c), 1 + np.arange(c) % 4)[:n]

    def draw(self, rng, n, samples, drop):
        numbers = self.clusters(n)
        own, shared = rng.normal(size=(n, samples)), rng.normal(size=(numbers.max() + 1, samples))
        return 0.2 * np.sqrt(0.5) * (own + shared[numbers]) - drop

    def error(self, n, drop):  # noqa: ARG002 - all populations are asked alike
        sizes = np.bincount(self.clusters(n))
        return 0.2 * np.sqrt(0.5 * n + 0.5 * (sizes**2).sum()) / n


class Ties(Normal):
    """Scores of few values, 40% of them 0; of the second run 80% are the first's and the others drawn anew.

    What makes it worse is lost documents: scores that become 0.
    """

    name = "ties"
    changed = 0.2

    def spread(self, drop):
        lost = drop / MEAN
        return np.sqrt(self.changed * 2 * (SQUARE - MEAN**2) + lost * SQUARE - drop**2)

    def draw(self, rng, n, samples, drop):
        old, fresh = rng.choice(SCORES, (2, n, samples), p=SHARES)
        fate = rng.random((n, samples))
        return np.where(fate < self.changed, fresh, np.where(fate < self.changed + drop / MEAN, 0.0, old)) - old


class Skewed(Ties):
    """The same scores; 15% rise by one step and a few are lost, so that small gains stand against large losses."""

    name = "skewed"
    changed = 0.15

    def lost(self, drop):
        return (self.changed * float(SHARES @ UP) + drop) / MEAN

    def spread(self, drop):
        return np.sqrt(self.changed * float(SHARES @ UP**2) + self.lost(drop) * SQUARE - drop**2)

    def draw(self, rng, n, samples, drop):
        places = rng.choice(len(SCORES), (n, samples), p=SHARES)
        fate = rng.random((n, samples))
        lost = (fate >= self.changed) & (fate < self.changed + self.lost(drop))
        return np.where(fate < self.changed, UP[places], np.where(lost, -SCORES[places], 0.0))


POPULATIONS = (Normal(), Clustered(), Ties(), Skewed())
INTERVALS = ("t", "percentile", "BCa")
TESTS = (*INTERVALS, "sign flips")


@dataclass
class Found:
    """What each method says of pairs of runs, shape (pairs,) each; ends are low and high, shape (2, pairs).

    Attributes:
        ends: 95% intervals.
        different: Whether a test or interval of 5% tells the means apart.
        worse: Whether a one-sided test of 5%, or a 90% interval, puts the mean below -tolerance.
    """

    ends: dict[str, np.ndarray]
    different: dict[str, np.ndarray]
    worse: dict[str, np.ndarray]


def judge(differences, clusters, tolerance):
    """What each method says of columns of differences."""
    test = paired_test(differences, clusters)
    flips = sign_flip_test(differences, clusters, tolerance=tolerance)

    def intervals(confidence):
        ends = {
            name: mean_intervals(differences, clusters, confidence=confidence, method=name.lower())
            for name in INTERVALS[1:]
        }
        return {"t": np.stack(test.interval(confidence)), **ends}

    wide, narrow = intervals(1 - LEVEL), intervals(1 - 2 * LEVEL)
    different = {name: (low > 0) | (high < 0) for name, (low, high) in wide.items()}
    worse = {name: high < -tolerance for name, (_, high) in narrow.items()}
    different |= {"t": test.p <= LEVEL, "sign flips": flips.different <= LEVEL}
    worse |= {"t": test.worse(tolerance) <= LEVEL, "sign flips": flips.worse <= LEVEL}
    return Found(wide, different, worse)


def simulate(population, n, drop, tolerance, seed):
    """What each method says of PAIRS pairs of runs whose true mean difference is -drop."""
    rng = np.random.default_rng(seed)
    clusters = population.clusters(n)
    parts = [judge(population.draw(rng, n, AT_ONCE, drop), clusters, tolerance) for _ in range(PAIRS // AT_ONCE)]
    return Found(*(
        {name: np.concatenate([getattr(part, key)[name] for part in parts], axis=-1) for name in getattr(parts[0], key)}
        for key in ("ends", "different", "worse")
    ))  # fmt: skip


def detectable(population, n, *, two_sided):
    """The drop that is as large as the effect that a t test of this population detects in 80% of samples."""
    freedom = int(population.clusters(n).max())

    def lacking(drop):
        error = np.array([population.error(n, drop)])
        return drop - float(minimum_detectable_effect(error, freedom, level=LEVEL, two_sided=two_sided)[0])

    return optimize.brentq(lacking, 0.0, 0.3)


@dataclass
class Gated:
    """What the gate says of pairs of runs, shape (pairs,) each; ends are of 95% intervals of the drop, (2, pairs).

    Attributes:
        ends: Low and high.
        p: Its p-values of the drop being within the tolerance.
        verdicts: Its verdicts at a confidence of 95%, each pair by itself.
    """

    ends: np.ndarray
    p: np.ndarray
    verdicts: np.ndarray


def gate(differences, clusters, tolerance):
    """What the gate says of columns of differences, by the functions that judge results."""

    def evidence(confidence):
        return weigh([Question(-column, clusters, tolerance, confidence) for column in differences.T], compared=1)

    known = evidence(1 - LEVEL)
    verdicts = [decide(found, found.p, tolerance, 1 - LEVEL) for found in known]
    ends = [[found.low, found.high] for found in evidence(1 - LEVEL / 2)]
    return Gated(np.array(ends).T, np.array([found.p for found in known]), np.array(verdicts))


def simulate_gate(population, n, drop, tolerance, seed):
    """What the gate says of the pairs of runs of `simulate`."""
    rng = np.random.default_rng(seed)
    clusters = population.clusters(n)
    parts = [gate(population.draw(rng, n, AT_ONCE, drop), clusters, tolerance) for _ in range(PAIRS // AT_ONCE)]
    ends, p, verdicts = zip(*((part.ends, part.p, part.verdicts) for part in parts), strict=True)
    return Gated(np.hstack(ends), np.hstack(p), np.hstack(verdicts))


def gated(start, population, n, seed):
    """A line of the gate's table."""
    reach = detectable(population, n, two_sided=False)
    none = simulate_gate(population, n, 0.0, 0.0, (seed, n, 0))
    edge = simulate_gate(population, n, TOLERANCE, TOLERANCE, (seed, n, 1))
    drop = simulate_gate(population, n, reach, 0.0, (seed, n, 3))
    runs = edge.p.reshape(-1, CHECKS)
    any_of_many = np.array([(holm(run) <= LEVEL).any() for run in runs])
    found = [
        none.verdicts == "regressed",
        edge.verdicts == "regressed",
        any_of_many,
        edge.verdicts == "pass",
        holds(none.ends, 0.0),
        holds(drop.ends, reach),
        drop.verdicts == "regressed",
    ]
    return [*start, *(f"{100 * np.mean(those):.1f}" for those in found)]


GATE_HEADINGS = [
    "regressed, no difference",
    "regressed, at the tolerance",
    f"any of {CHECKS} regressed, at the tolerance",
    "pass, at the tolerance",
    "interval, no difference",
    "interval, a drop",
    "regressed, a detectable drop",
]


def shares(found, names=TESTS):
    """How many of 100 pairs of runs each method says it of."""
    return [f"{100 * np.mean(found[name]):.1f}" for name in names]


def covers(found, truth):
    """Which intervals hold the true mean difference."""
    return {name: holds(ends, truth) for name, ends in found.ends.items()}


def holds(ends, truth):
    """Whether the truth lies between ends, shape (2, pairs)."""
    return (ends[0] <= truth) & (truth <= ends[1])


def tables(show):
    """The tables of the page by name."""
    false, beyond, held, power, judged = [], [], [], [], []
    for seed, population in enumerate(POPULATIONS):
        for n in SIZES:
            start = [population.name, n]
            two, one = (detectable(population, n, two_sided=sides) for sides in (True, False))
            none = simulate(population, n, 0.0, 0.0, (seed, n, 0))
            edge = simulate(population, n, TOLERANCE, TOLERANCE, (seed, n, 1))
            drop = simulate(population, n, two, 0.0, (seed, n, 2))
            less = simulate(population, n, one, 0.0, (seed, n, 3))
            false.append([*start, *shares(none.different), *shares(none.worse)])
            beyond.append([*start, *shares(edge.worse)])
            held.append([*start, *shares(covers(none, 0.0), INTERVALS), *shares(covers(drop, -two), INTERVALS)])
            power.append([*start, f"{two:.4f}", *shares(drop.different), f"{one:.4f}", *shares(less.worse)])
            judged.append(gated(start, population, n, seed))
            show(population.name, n)
    start = ["differences", "items"]
    both = [f"{what}: {name}" for what in ("different", "worse") for name in TESTS]
    ends = [f"{what}: {name}" for what in ("no difference", "a drop") for name in INTERVALS]
    return {
        "false": table(false, [*start, *both]),
        "tolerance": table(beyond, [*start, *TESTS]),
        "coverage": table(held, [*start, *ends]),
        "power": table(power, [*start, "drop, two-sided", *TESTS, "drop, one-sided", *TESTS]),
        "gate": table(judged, [*start, *GATE_HEADINGS]),
    }


def table(lines, headings):
    return tabulate(lines, headers=headings, tablefmt="pipe", disable_numparse=True)


def fill(page, found):
    """The page with its tables as found."""
    for name, text in found.items():
        whole = f"<!-- {name} -->\n{text}\n<!-- end -->"
        page = re.sub(f"<!-- {name} -->.*?<!-- end -->", lambda _, whole=whole: whole, page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    made = tables(lambda *words: print(*words, file=sys.stderr, flush=True))
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
