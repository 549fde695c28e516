"""The index of all pages: what there is, what the marks and columns mean, when the results were written."""

from __future__ import annotations

from bench.markdown import code, escape, link, pipe_table
from bench.report.board import Board
from bench.report.cells import AUDIT_COMMAND, AUDIT_MARK, AUDIT_NOTE, NOISY_MARK, NOISY_REASON, machine_text
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS
from bench.report.left_out import left_out_section
from bench.report.rows import LEAKAGE_NOTE

_MARKS = f"""\
- **bold**: the best of a column.
- 0.7618 [0.734, 0.788]: a score with its 95% interval, by a bootstrap over queries or pairs.
- 2 ab: rank and letters of a model, at full width in float32 (where that was not scored, at its widest view). The \
rank is one more than there are better scores; 2 = where another model has the same score. Models that share a letter \
are not significantly different: paired t tests of all pairs of models, corrected by Holm, at 5%.
- loss: how much lower the score is than the best model's, or a view's than its own model's at full width, with \
one-sided bounds, each wrong in at most 5% of samples (for all models together, for each view alone).
- within 0.01: yes, the loss is shown to be at most this margin; no, it is shown to be more; not shown, with the \
number of independent queries or pairs that would show it.
- {NOISY_MARK} {NOISY_REASON}.
- {LEAKAGE_NOTE}.
- {AUDIT_NOTE} ({AUDIT_COMMAND}).
- An empty cell was not measured, or has no meaning for the model."""


def index_blocks(board: Board) -> list[str]:
    """The page, a block each."""
    leaderboard = link("Leaderboard", "leaderboard.md")
    web = (
        f"{link('index.html', 'index.html')}: the same to sort and filter, with a chart and a box for a budget; a file."
    )
    return [
        "# Reports",
        f"{leaderboard}: of each task the best model and those not significantly different; all models over all tasks.",
        web,
        "## Tasks",
        _tasks(board),
        "## Models",
        _models(board),
        *left_out_section(board.left_out),
        "## Marks",
        _MARKS,
        "## Columns",
        _columns(),
        "## Environments",
        _environments(board),
        "## How these pages are made",
        _made(board),
    ]


def _tasks(board: Board) -> str:
    lines = []
    for task, page in board.task_pages.items():
        tables = [found[0] for unit, found in board.units.items() if unit[0] == task]
        splits = dict.fromkeys(table.unit[1] for table in tables)
        metrics = dict.fromkeys(table.metric for table in tables)
        models = {row.model for table in tables for row in table.rows if row.score is not None}
        mark = f" {AUDIT_MARK}" if any(table.footnotes for table in tables) else ""
        names = [link(escape(task), page) + mark, ", ".join(map(escape, splits)), ", ".join(map(escape, metrics))]
        lines.append([*names, str(len({table.unit[2] for table in tables})), str(len(models))])
    return pipe_table(lines, ["task", "splits", "main score", "subsets", "models"], text_columns=3)


def _models(board: Board) -> str:
    lines = []
    for model, info in board.models.items():
        tasks = {table.unit[0] for table, rows in board.rows.get(model, []) if any(row.score for row in rows)}
        kind = next((rows[0].marked_kind for _, rows in board.rows.get(model, [])), info.kind)
        width = "" if info.width is None else str(info.width)
        parameters = "" if info.parameters is None else f"{info.parameters:,}"
        lines.append([link(escape(model), board.model_pages[model]), kind, width, parameters, str(len(tasks))])
    return pipe_table(lines, ["model", "kind", "dimensions", "parameters", "tasks scored"], text_columns=2)


def _columns() -> str:
    return "\n".join(f"- **{column.title}**: {column.help}." for column in (*VIEW_COLUMNS, *ENCODING_COLUMNS))


def _environments(board: Board) -> str:
    used = sorted({table.environment for tables in board.units.values() for table in tables} - {None}, key=str)
    lines = [f"- {code(name or '')}: {escape(machine_text(board.environments.get(name or '', {})))}." for name in used]
    return "\n".join(lines) or "No cost was measured. Quality does not depend on the environment."


def _made(board: Board) -> str:
    written = board.written
    text = (
        f"`bench report` makes them from `results/` alone, the same bytes for the same results; `bench report --check` "
        f"says whether they are what the results give. The newest of {written.records:,} records was written "
        f"{escape(written.created)} by bench {escape(written.bench_version)}"
    )
    if written.older_versions:
        text += f", others by {', '.join(map(escape, written.older_versions))}"
    return f"{text}."
