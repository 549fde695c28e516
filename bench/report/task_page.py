"""The page of one task: all its splits and subsets, every model at every view, a table an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.markdown import code, escape, link, pipe_table
from bench.report.answers import answer_text, make_answer
from bench.report.board import Board
from bench.report.cells import AUDIT_MARK, AUDIT_NOTE, bold, view_text
from bench.report.fidelity import fidelity_table
from bench.report.funnel import cheapest_blocks, funnel_table
from bench.report.gallery import Gallery
from bench.report.left_out import left_out_section
from bench.report.means import MeanTable
from bench.report.names import heading_anchor, navigation
from bench.report.retention import retention_table
from bench.report.rows import LEAKAGE_NOTE, Table
from bench.report.unit_tables import unit_blocks
from bench.results.index import UnitKey, unit_title
from bench.results.schema import TaskInfo

_ABOVE = "../"
_RETENTION = (
    "The share of the score at full width in float32 that is kept at each dimension, in float32; where controls were "
    "scored, beside as many principal components of the corpus (pca), the last dimensions instead of the first, and "
    "random ones (mean, lowest and highest of the draws)."
)
_FIDELITY = (
    "Against the same model at full width in float32: how alike the first ten and hundred, the rankings and the "
    "similarities are; no label is looked at. Beside it the share of the score that is kept."
)
_FUNNEL = (
    "Search at a view, then rank the shortlist again at full width in float32: the share of the full score that "
    "is kept, and in brackets the share of the relevant documents that is on it. First the cheapest that keep 99%: by "
    "the median latency of both stages, as far as it was measured, and by the bytes a vector that the first stage "
    "reads; beside them full width alone."
)
_TYPES = {"retrieval": "Retrieval", "sts": "Semantic textual similarity", "mteb": "A task of MTEB"}


def task_blocks(board: Board, gallery: Gallery, task: str) -> list[str]:
    """The page, a block each."""
    units = [(unit, tables) for unit, tables in board.units.items() if unit[0] == task]
    info = board.tasks[units[-1][0]]
    blocks = [
        f"# {escape(task)}",
        navigation(),
        _what_it_is(info),
        *_models(board, [tables[0] for _, tables in units]),
    ]
    blocks += _in_short([tables for _, tables in units])
    means = {mean.split: mean for mean in board.means if mean.task == task}
    for unit, tables in units:
        if unit[1] in means:
            mean = means.pop(unit[1])
            blocks += [f"## {escape(mean.title)}", _mean_caption(mean), _mean_table(mean)]
        blocks += [f"## {escape(tables[0].title)}", *_data(board.tasks[unit])]
        for table in tables:
            if len(tables) > 1:
                blocks.append(f"### Environment {escape(table.environment or '')}")
            blocks += unit_blocks(table, board.environments)
            picture = gallery.tradeoffs.get((unit, table.environment))
            blocks += [picture.shown(_ABOVE)] if picture else []
        blocks += _retention(board, gallery, unit)
        blocks += _fidelity(board, unit)
        blocks += _funnel(board, gallery, unit)
        blocks += _unscored(board.unscored.get(unit, {}))
    return [*blocks, *left_out_section([entry for entry in board.left_out if entry.task == task])]


def _what_it_is(info: TaskInfo) -> str:
    facts = [escape(info.mteb_type) if info.mteb_type else _TYPES[info.type]]
    if info.mteb:
        facts.append(f"MTEB's {escape(info.mteb)}")
    if info.dataset:
        facts.append(f"data set {escape(info.dataset)}")
    return f"{'; '.join(facts)}."


def _retention(board: Board, gallery: Gallery, unit: UnitKey) -> list[str]:
    """What models keep of their score at each dimension."""
    retention, picture = board.retentions.get(unit), gallery.retentions.get(unit)
    if retention is None:
        return []
    blocks = [f"### Retention on {escape(retention.title)}", _RETENTION, retention_table(retention)]
    return [*blocks, picture.shown(_ABOVE)] if picture else blocks


def _fidelity(board: Board, unit: UnitKey) -> list[str]:
    """How far views do what the full width does, which needs no labels."""
    models = board.fidelities.get(unit, [])
    if not models:
        return []
    blocks = [f"### Fidelity on {escape(unit_title(unit))}", _FIDELITY]
    for model in models:
        blocks += [f"{escape(model.model)} ({model.kind}):", fidelity_table(model)]
    return blocks


def _funnel(board: Board, gallery: Gallery, unit: UnitKey) -> list[str]:
    """What shortlists that are ranked again at full width keep."""
    funnels, picture = board.funnels.get(unit, []), gallery.funnels.get(unit)
    if not funnels:
        return []
    blocks = [f"### Shortlists on {escape(unit_title(unit))}", _FUNNEL, *cheapest_blocks(funnels)]
    blocks += [picture.shown(_ABOVE)] if picture else []
    for funnel in funnels:
        blocks += [f"{escape(funnel.model)} ({funnel.kind}):", funnel_table(funnel)]
    return blocks


def _models(board: Board, tables: Sequence[Table]) -> list[str]:
    names = dict.fromkeys(row.model for table in tables for row in table.rows)
    links = ", ".join(link(escape(name), f"../{board.model_pages[name]}") for name in names)
    return [f"Models: {links}."] if links else []


def _in_short(units: Sequence[Sequence[Table]]) -> list[str]:
    lines = []
    for tables in units:
        answer = make_answer(tables)
        title = link(escape(tables[0].title), heading_anchor(tables[0].title))
        mark = f" {AUDIT_MARK}" if tables[0].footnotes else ""
        lines.append(f"- {title}{mark}: {answer_text(answer) if answer else 'no model has a score.'}")
    blocks = ["\n".join(lines)]
    if any(row.leakage for tables in units for row in tables[0].rows):
        blocks.append(f"{LEAKAGE_NOTE}.")
    if any(tables[0].footnotes for tables in units):
        blocks.append(f"{AUDIT_NOTE}.")
    return blocks


def _data(info: TaskInfo) -> list[str]:
    facts = [f"Data {code(info.fingerprint[:8])}"]
    if info.documents is not None:
        facts.append(f"{info.documents:,} documents")
    if info.revision:
        facts.append(f"revision {code(info.revision)}")
    return [f"{', '.join(facts)}."]


def _unscored(reasons: Mapping[str, str]) -> list[str]:
    if not reasons:
        return []
    by_reason: dict[str, list[str]] = {}
    for model, why in reasons.items():
        by_reason.setdefault(why, []).append(model)
    lines = [f"- {escape(why)}: {', '.join(map(escape, models))}" for why, models in sorted(by_reason.items())]
    return ["Without a score here:", "\n".join(lines)]


def _mean_caption(table: MeanTable) -> str:
    text = f"Main score: {code(table.metric)}; the mean is unweighted, over {', '.join(map(escape, table.subsets))}."
    lacking = sorted({row.model for row in table.rows if row.mean is None})
    if lacking:
        text += f" No mean where a subset is missing: {', '.join(map(escape, lacking))}."
    return text


def _mean_table(table: MeanTable) -> str:
    lines = []
    best = table.best_mean
    for row in table.rows:
        mean = "" if row.mean is None else f"{row.mean:.4f}"
        scores = [f"{row.scores[subset]:.4f}" if subset in row.scores else "" for subset in table.subsets]
        lines.append(
            [
                escape(row.model),
                row.kind,
                *view_text(row.view),
                bold(mean) if mean and row.mean == best else mean,
                *scores,
            ]
        )
    headings = ["model", "kind", "dim", "precision", "mean", *map(escape, table.subsets)]
    return pipe_table(lines, headings, text_columns=4)
