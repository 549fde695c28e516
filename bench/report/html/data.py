"""What the page knows: the leaderboards' tables in columns, each number with the digits that the other pages print."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from bench.report.cells import NOISY_MARK, NOISY_REASON, machine_text, number_text
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS, Column, best_value, is_best, shown_columns
from bench.report.html.sizes import Sizes
from bench.report.rows import LEAKAGE_MARK, LEAKAGE_NOTE, RANDOM_WEIGHTS, Row, Table
from bench.report.unit_tables import UNTESTED
from bench.report.verdicts import few_text, four_digits, loss_cells, loss_headings, method_text, tested
from bench.results.claims import Loss
from bench.views import PRECISIONS, View

_COLUMNS = {column.key: column for column in (*VIEW_COLUMNS, *ENCODING_COLUMNS)}


class _Numbered:
    """Things that are named by the order of their first appearance."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def number(self, thing: Hashable) -> int:
        """The number of a thing, a new one where it was not seen before."""
        return self.numbers.setdefault(thing, len(self.numbers))


def page_data(tables: Sequence[Table], environments: dict[str, dict[str, Any]], sizes: Sizes) -> dict[str, Any]:
    """The tables as JSON values.

    Args:
        tables: Those of the leaderboards (bench.report.rows.make_tables).
        environments: The facts of each environment, by fingerprint.
        sizes: Searching measured at other sizes.

    Returns:
        models: Their names.
        views: Dimensions, precision (as its place in precisions) and bytes of each view.
        environments: Fingerprint and description of each that a table names.
        columns: Of numbers, as bench.report.columns has them; `encoding` tells those of a model from those of a view.
        tables: A table each; models, views and notes stand there by their number.
        notes: Their texts.
    """
    models, views, notes = _Numbered(), _Numbered(), _Numbered()
    packed = [
        _table(table, models, views, notes)
        | {"sizes": _sizes(table, sizes.get((table.unit, table.environment or ""), {}))}
        for table in tables
    ]
    named = sorted({table.environment for table in tables if table.environment is not None})
    return {
        "precisions": list(PRECISIONS),
        "marks": {
            "noisy": [NOISY_MARK, NOISY_REASON],
            "leakage": [LEAKAGE_MARK, LEAKAGE_NOTE],
            "drawn": RANDOM_WEIGHTS,
            "untested": UNTESTED,
        },
        "columns": [
            {
                "key": column.key,
                "title": column.title,
                "help": column.help,
                "low": column.lower_is_better,
                "encoding": column in ENCODING_COLUMNS,
            }
            for column in _COLUMNS.values()
        ],
        "environments": [[name, machine_text(environments.get(name, {}))] for name in named],
        "models": list(models.numbers),
        "views": [_view(view) for view in views.numbers if isinstance(view, View)],
        "notes": list(notes.numbers),
        "tables": packed,
    }


def _view(view: View) -> list[int]:
    return [view.truncate_dim, PRECISIONS.index(view.precision), view.bytes_per_vector]


def _table(table: Table, models: _Numbered, views: _Numbered, notes: _Numbered) -> dict[str, Any]:
    """One table: what belongs to a row stands in lists as long as there are rows."""
    rows = table.rows
    scores = [row.score for row in rows]
    best = table.best_score
    view = [-1 if row.view is None else views.number(row.view) for row in rows]
    return {
        "unit": list(table.unit),
        "title": table.title,
        "metric": table.metric,
        "n": table.n,
        "items": table.items,
        "documents": table.documents,
        "environment": table.environment,
        "runs": [
            [models.number(model), kind, int(leakage), int(drawn), len(list(run))]
            for (model, kind, leakage, drawn), run in groupby(rows, _whose)
        ],
        "view": view,
        "score": pack_texts(["" if score is None else f"{score.value:.4f}" for score in scores]),
        "low": pack_texts(["" if score is None or score.ci_low is None else f"{score.ci_low:.3f}" for score in scores]),
        "high": pack_texts(
            ["" if score is None or score.ci_high is None else f"{score.ci_high:.3f}" for score in scores]
        ),
        "best": [place for place, score in enumerate(scores) if score is not None and score.value == best],
        "rank": [row.rank for row in rows],
        "group": [row.standing.group if row.standing else "" for row in rows],
        "tested": tested(rows),
        "losses": _losses(table),
        "few": few_text(table.losses, table.items),
        "method": method_text(table),
        "noisy": _flags(row.noisy for row in rows),
        "reference": [place for place, row in enumerate(rows) if row.reference],
        "figures": _by_view(_figures(rows, VIEW_COLUMNS), view),
        "shown": [
            [name, pack_texts([f"{row.shown[name]:.4f}" if name in row.shown else "" for row in rows])]
            for name in table.shown
        ],
        "encoding": {
            "model": [models.number(row.model) for row in table.encoding],
            "noisy": _flags(row.noisy for row in table.encoding),
            "figures": _figures(table.encoding, ENCODING_COLUMNS),
        },
        "notes": [notes.number(note) for note in table.notes],
        "footnotes": [notes.number(note) for note in table.footnotes],
    }


def _losses(table: Table) -> dict[str, Any] | None:
    """The columns of losses: headings, losses with their bounds, texts of the second; None where no row has one."""
    headings = loss_headings(table)
    if not headings:
        return None
    losses = [row.loss for row in table.rows]
    cells = [loss_cells(table, row) for row in table.rows]
    return {
        "headings": headings,
        "mean": _packed(losses, "mean"),
        "low": _packed(losses, "low"),
        "high": _packed(losses, "high"),
        "best": [place for place, (loss, _) in enumerate(cells) if loss == "best"],
        "within": [within for _, within in cells],
    }


def _packed(losses: Sequence[Loss | None], key: str) -> dict[str, Any]:
    values = [None if loss is None else getattr(loss, key) for loss in losses]
    return pack_texts(["" if value is None or not math.isfinite(value) else four_digits(value) for value in values])


def _whose(row: Row) -> tuple[str, str, bool, bool]:
    return row.model, row.whole_kind, row.leakage, row.drawn


def _flags(flags: Iterable[bool]) -> str:
    return "".join("1" if flag else "0" for flag in flags)


def _figures(rows: Sequence[Any], columns: Sequence[Column]) -> dict[str, Any]:
    """The columns that have a value: what they print, and the rows that are the best of it."""
    found = {}
    for column in shown_columns(rows, columns):
        values = [getattr(row, column.key) for row in rows]
        packed = pack_texts([number_text(column, value) for value in values])
        found[column.key] = {**packed, "best": _best(rows, column)}
    return found


def _by_view(figures: dict[str, dict[str, Any]], view: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Figures of which what is the same for all models, as the bytes of a vector, stands once a view."""
    for packed in figures.values():
        found = dict(zip(view, packed["values"], strict=True))
        same = all(found[place] == value for place, value in zip(view, packed["values"], strict=True))
        if same and -1 not in view:
            packed["values"] = [found.get(place) for place in range(max(view) + 1)]
            packed["by_view"] = True
    return figures


def _sizes(table: Table, sizes: Mapping[int, Mapping[str, Mapping[Any, float]]]) -> list[dict[str, Any]]:
    """The columns of figures at each other number of documents."""
    return [
        {
            "documents": documents,
            "figures": {
                key: pack_texts([number_text(_COLUMNS[key], values.get((row.model, row.view))) for row in table.rows])
                for key, values in sorted(figures.items())
            },
        }
        for documents, figures in sorted(sizes.items())
    ]


def _best(rows: Sequence[Any], column: Column) -> list[int]:
    best = best_value(rows, column)
    return [place for place, row in enumerate(rows) if is_best(row, column, best)]


def pack_texts(texts: Sequence[str]) -> dict[str, Any]:
    """Numbers as they are printed.

    Args:
        texts: A cell each, such as `1,234`, `0.0123` or `97.3%`; empty where there is none.

    Returns:
        values: None where there is none. With `decimals`: whole numbers, to be divided by 10 ** decimals; without,
            because their decimals differ: the numbers themselves.
        decimals: Digits after the point; None where they differ.
        percent: Whether a percent sign follows.
        by_view: False: there is a value a row (see _by_view).
    """
    percent = any(text.endswith("%") for text in texts)
    plain = [text.rstrip("%").replace(",", "") for text in texts]
    decimals = {len(text.partition(".")[2]) for text in plain if text}
    if len(decimals) <= 1:
        values = [int(text.replace(".", "")) if text else None for text in plain]
        return {"values": values, "decimals": max(decimals, default=0), "percent": percent, "by_view": False}
    return {
        "values": [float(text) if text else None for text in plain],
        "decimals": None,
        "percent": percent,
        "by_view": False,
    }
