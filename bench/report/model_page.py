"""The page of one model: what it is, its scores on every task at every view, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.markdown import code, escape, link, pipe_table
from bench.report.board import Board
from bench.report.cells import NOISY_MARK, machine_text, number_cells, score_text, shown_text, view_text
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS, shown_columns
from bench.report.inputs import model_facts
from bench.report.left_out import left_out_section
from bench.report.names import heading_anchor, navigation
from bench.report.rows import LEAKAGE_NOTE, RANDOM_WEIGHTS, Row, Table
from bench.report.unit_tables import audit_notes, noise_note, note_list
from bench.report.verdicts import few_text, loss_cells, loss_headings, rank_text
from bench.results.schema import ModelInfo
from bench.views import View, sort_key

_SCORE_COLUMNS = [column for column in VIEW_COLUMNS if column.key == "share"]
_COST_COLUMNS = [column for column in VIEW_COLUMNS if column.key not in {"share", "bytes_per_vector"}]


def model_blocks(board: Board, model: str) -> list[str]:
    """The page, a block each."""
    info = board.models[model]
    found = board.rows.get(model, [])
    blocks = [f"# {escape(model)}", navigation(), _what_it_is(info)]
    if info.leakage:
        blocks.append(f"{LEAKAGE_NOTE}.")
    blocks += ["## Scores", *_scores(board, model, found), *_unscored(board, model)]
    blocks += [*_storage(found), *_costs(board, model, found)]
    return [*blocks, *left_out_section([entry for entry in board.left_out if entry.model == model])]


def _what_it_is(info: ModelInfo) -> str:
    facts = [
        ("kind", info.kind),
        ("source", escape(info.source)),
        ("revision", escape(info.revision or "")),
        ("dimensions", "" if info.width is None else str(info.width)),
        ("parameters", "" if info.parameters is None else f"{info.parameters:,}"),
        ("longest input, tokens", "" if info.max_seq_length is None else f"{info.max_seq_length:,}"),
        ("dtype", escape(info.dtype or "")),
        *model_facts(info),
        ("backend", info.backend or ""),
        ("weights", RANDOM_WEIGHTS if info.drawn else ""),
        ("tokenizer", info.tokenizer or ""),
        ("fingerprint", code(info.fingerprint[:8])),
    ]
    return pipe_table([[name, text] for name, text in facts if text], ["model", ""], text_columns=2)


def _inputs(table: Table, model: str) -> list[str]:
    """What is put before the texts of a unit, where records say that something is."""
    facts = [(name, text) for name, text in dict(table.inputs).get(model, []) if name.startswith(("before", "`task`"))]
    if all(text == "nothing" for _, text in facts):
        return []
    text = "; ".join(f"{name}: {text}" for name, text in facts)
    return [text[0].upper() + text[1:] + "."]


def _scores(board: Board, model: str, found: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    """A table a task unit; scores are the same in every environment."""
    units = {table.unit: (table, rows) for table, rows in reversed(found)}
    blocks = []
    for unit, (table, rows) in sorted(units.items()):
        scored = [row for row in rows if row.score is not None]
        if scored:
            title = escape(table.title)
            target = f"../{board.task_pages[unit[0]]}{heading_anchor(table.title)}"
            few = few_text(table.losses, table.items)
            about = f"{link('All models', target)}; {table.n:,} {table.items}.{f' {few}' if few else ''}"
            blocks += [f"### {title}", about, *_inputs(table, model), _score_table(table, scored)]
            blocks += audit_notes(table)
    marks = f"What ranks, letters and losses mean: {link('Marks', '../README.md#marks')}."
    return [*blocks, marks] if blocks else ["None."]


def _score_table(table: Table, rows: Sequence[Row]) -> str:
    columns = shown_columns(rows, _SCORE_COLUMNS)
    lines = [
        [
            *view_text(row.view),
            rank_text(row.standing),
            score_text(row.score),
            *loss_cells(table, row),
            *(shown_text(row, name) for name in table.shown),
            *numbers,
        ]
        for row, numbers in zip(rows, number_cells(rows, columns), strict=True)
    ]
    headings = ["dim", "precision", "rank", escape(table.metric), *loss_headings(table), *map(escape, table.shown)]
    return pipe_table(lines, [*headings, *(column.title for column in columns)], text_columns=0)


def _unscored(board: Board, model: str) -> list[str]:
    reasons = {unit: found[model] for unit, found in board.unscored.items() if model in found}
    if not reasons:
        return []
    lines = [
        f"- {link(escape(tables[0].title), '../' + board.task_pages[unit[0]])}: {escape(reasons[unit])}"
        for unit, tables in board.units.items()
        if unit in reasons
    ]
    return ["Without a score:", "\n".join(lines)]


def _storage(found: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    views = {row.view for _, rows in found for row in rows} - {None}
    widest = max((view.truncate_dim for view in views if view), default=0)
    lines = []
    for view in sorted((view for view in views if view), key=sort_key):
        size = view.bytes_per_vector
        lines.append([*view_text(view), f"{size:,}", f"{size / View(widest).bytes_per_vector:.1%}"])
    if not lines:
        return []
    headings = ["dim", "precision", "bytes/vector", f"of {widest} float32"]
    return ["## Storage", "Computed from the view.", pipe_table(lines, headings, text_columns=0)]


def _costs(board: Board, model: str, found: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    environments: dict[str, list[tuple[Table, list[Row]]]] = {}
    for table, rows in found:
        if table.environment is not None:
            environments.setdefault(table.environment, []).append((table, rows))
    blocks: list[str] = []
    for environment, measured in sorted(environments.items()):
        tables = [*_encoding_table(model, measured), *_view_table(measured)]
        notes = [f"{table.title}: {note}" for table, _ in measured for note in table.model_notes.get(model, [])]
        if not tables and not notes:
            continue
        machine = machine_text(board.environments.get(environment, {}))
        blocks += [f"## Cost in environment {escape(environment)}", f"{escape(machine)}.", *tables, *note_list(notes)]
        noisy = [table.unit[0] for table, rows in measured if any(row.noisy for row in rows)]
        if noisy:
            blocks.append(noise_note(dict.fromkeys(noisy), [model]))
    return blocks


def _encoding_table(model: str, measured: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    found = [(table, row) for table, _ in measured for row in table.encoding if row.model == model]
    if not found:
        return []
    rows = [row for _, row in found]
    columns = shown_columns(rows, ENCODING_COLUMNS)
    lines = [
        [escape(table.title) + (NOISY_MARK if row.noisy else ""), *numbers]
        for (table, row), numbers in zip(found, number_cells(rows, columns, str), strict=True)
    ]
    headings = ["texts of", *(column.title for column in columns)]
    return ["Encoding, whatever the view:", pipe_table(lines, headings, text_columns=1)]


def _view_table(measured: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    found = [(table, row) for table, rows in measured for row in rows]
    columns = shown_columns([row for _, row in found], _COST_COLUMNS)
    found = [(table, row) for table, row in found if any(getattr(row, column.key) is not None for column in columns)]
    if not found:
        return []
    lines = [
        [escape(table.title) + (NOISY_MARK if row.noisy else ""), *view_text(row.view), *numbers]
        for (table, row), numbers in zip(found, number_cells([row for _, row in found], columns, str), strict=True)
    ]
    headings = ["documents of", "dim", "precision", *(column.title for column in columns)]
    return ["By view:", pipe_table(lines, headings, text_columns=1)]
