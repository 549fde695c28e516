"""Cost figures as the gate compares them: which of them are costs, what noise does to them, their raw samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import BenchError
from bench.gate.sides import Side
from bench.metrics import PAIR_METRICS, RETRIEVAL_METRICS
from bench.results.digests import damaged_table
from bench.results.schema import CostRecord, Figure, detail_text
from bench.results.store import read_items, table_path

Float64 = npt.NDArray[np.float64]

_PERCENTILE = re.compile(r"(?P<timed>.+)_p(?P<percent>\d+)_ms")
# More of these is better, or they are no cost at all; single extremes are chance.
_NO_COST = {"hnsw_recall_at_10", "encode_matmul_share", "matmul_gflops", "encode_best_batch"}
_CHANCE = ("_outliers", "_max_ms")
_RATE = "_per_s"
_TIMES = ("_ms", "_s")
_ENERGY = "energy_"
_SCORES = frozenset((*RETRIEVAL_METRICS, *PAIR_METRICS))


@dataclass(frozen=True)
class Measured:
    """A figure and the record that it stands in."""

    figure: Figure
    record: CostRecord

    @property
    def title(self) -> str:
        """Its name and detail."""
        return " ".join(filter(None, [self.figure.name, detail_text(self.figure.detail)]))

    @property
    def cost(self) -> float:
        """Its value, more being worse: of a rate the seconds that one takes."""
        value = self.figure.value
        return (1 / value if value else np.inf) if self.figure.name.endswith(_RATE) else value

    @property
    def noise(self) -> str | None:
        """Why it is not to be trusted; None where it is, as sizes are on any machine."""
        name = self.figure.name
        if not name.endswith(_TIMES) and not name.startswith(_ENERGY):
            return None
        if self.record.noise.noisy:
            return "; ".join(self.record.noise.reasons) or "measured on a busy machine"
        if not self.figure.steady:
            return f"its processes differ by {self.figure.spread:.0%}"
        return None

    def range(self) -> tuple[float, float]:
        """Ends that hold the values of all processes that measured it."""
        spread = self.figure.spread or 0.0
        ends = self.figure.value * (1 - spread), self.figure.value * (1 + spread)
        if self.figure.name.endswith(_RATE):
            low, high = (1 / end if end > 0 else np.inf for end in reversed(ends))
            return low, high
        return ends


def is_cost(name: str) -> bool:
    """Whether a rise of a figure is a loss, or of a rate a fall."""
    return name not in _NO_COST and name.removeprefix("rerank_") not in _SCORES and not name.endswith(_CHANCE)


def percentile_of(name: str) -> float | None:
    """Which share of calls a figure's quantile stands for; None of a figure that is no percentile of timed calls."""
    found = _PERCENTILE.fullmatch(name)
    return int(found["percent"]) / 100 if found else None


class SampleReader:
    """Reads the raw samples of one side, each table once while its figures follow one another.

    Args:
        side: The side.
    """

    def __init__(self, side: Side) -> None:
        self._paths = side.samples
        self._read: tuple[Path, pa.Table] | None = None

    def processes(self, measured: Measured) -> list[Float64]:
        """The calls behind a percentile, in milliseconds, one array a process.

        Raises:
            BenchError: The record's table is missing, damaged or not as bench writes it.
        """
        figure, record = measured.figure, measured.record
        found = _PERCENTILE.fullmatch(figure.name)
        path = self._paths.get((record.task.name, record.samples))
        if found is None or path is None or record.samples is None:
            return []
        if self._read is None or self._read[0] != path:
            self._read = path, read_items(path, record)
        wanted = {
            "timed": found["timed"],
            "truncate_dim": figure.truncate_dim,
            "precision": figure.precision,
            "detail": detail_text(figure.detail),
        }
        table = self._read[1]
        try:
            for name, value in wanted.items():
                column = table.column(name)
                table = table.filter(pc.is_null(column) if value is None else pc.equal(column, value))
            numbers = table.column("process").to_numpy()
            calls = table.column("milliseconds").to_numpy().astype(np.float64)
        except (pa.ArrowException, KeyError, ValueError) as error:
            raise BenchError(
                f"the samples of this record are not as bench writes them: {error}",
                where=str(path),
                hint="measure again: bench cost --force",
            ) from error
        if not np.isfinite(calls).all():
            raise damaged_table(
                table_path(path, record), "column `milliseconds` of the table has a number that is not finite"
            )
        return [calls[numbers == number] for number in np.unique(numbers)]
