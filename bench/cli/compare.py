"""`bench compare`: two models, views or results, query by query."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import MaxLoss, RegistryFile, ResultsFolder, read_margin, split_list
from bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.comparing.comparison import Comparison
    from bench.comparing.operands import Side
    from bench.examples.finder import Examples
    from bench.results.index import ResultIndex


class OutputFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


_SIDE = "a model of the results folder, MODEL@DIM/PRECISION, a results folder or archive, git:REVISION, SOURCE#MODEL."
_Many = list[str] | None


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"One side: {_SIDE}")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other side, likewise.")],
    results: ResultsFolder = Path("results"),
    task: Annotated[_Many, typer.Option("--task", metavar="NAMES", help="Only these tasks.")] = None,
    subset: Annotated[_Many, typer.Option("--subset", metavar="NAMES", help="Only these subsets.")] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="Instead of each task's main metric.")
    ] = None,
    all_views: Annotated[
        bool, typer.Option("--all-views", help="At every view that both have, not only whole vectors in float32.")
    ] = False,
    queries: Annotated[
        int, typer.Option("--queries", min=0, metavar="N", help="Queries that changed most to show of each task.")
    ] = 5,
    max_loss: MaxLoss = None,
    models: RegistryFile = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="How to print.")] = OutputFormat.table,
) -> int:
    """Compare two models, views, results folders or git revisions, query by query.

    Differences are B less A, with 95% intervals. Exit status: 0 compared, whatever the outcome, 1 nothing is
    comparable, 2 wrong usage.
    """
    from bench.cli.compare_json import print_json
    from bench.cli.compare_tables import print_markdown, print_tables
    from bench.comparing.comparison import Selection, compare

    margin = read_margin(max_loss)
    with ExitStack() as opened:
        sides = read_sides((a, b), results, opened)
        chosen = tuple(split_list(task)), tuple(split_list(subset))
        selection = Selection(*chosen, metric, all_views=all_views, queries=queries, max_loss=margin)
        found = compare(*sides, selection)
        examples = _examples(found, models) if queries else []
    if output is OutputFormat.json:
        print_json(found, examples)
    elif output is OutputFormat.markdown:
        print_markdown(found, examples)
    else:
        print_tables(found, examples)
    return 1 if found.empty else 0


def read_sides(texts: Sequence[str], results: Path, opened: ExitStack) -> tuple[Side, Side]:
    """Both sides; a source that both name is read once.

    Args:
        texts: What names them (bench.comparing.operands).
        results: The usual results folder.
        opened: Keeps other sources open.

    Raises:
        BenchError: They name nothing that is known, or results cannot be read.
    """
    from bench.comparing.operands import make_side, parse_operand
    from bench.results.index import ResultIndex
    from bench.results.sources import open_source
    from bench.results.store import ResultStore

    indices: dict[str | None, ResultIndex] = {None: ResultIndex([])}
    broken: BenchError | None = None
    try:
        indices[None] = ResultIndex(ResultStore(results).records())
    except BenchError as error:
        # Two other sources can be compared all the same.
        broken = error
    known = indices[None].models
    found = []
    for text in texts:
        try:
            operand = parse_operand(text, known)
            source = None if _is_folder(operand.source, results) else operand.source
            if source not in indices:
                folder = opened.enter_context(open_source(source or ""))
                indices[source] = ResultIndex(ResultStore(folder).records())
        except BenchError as error:
            raise broken or error from error
        if source is None and broken is not None:
            raise broken
        found.append(make_side(operand, indices[source]))
    return found[0], found[1]


def _is_folder(source: str | None, folder: Path) -> bool:
    """Whether a source is the folder, by another name."""
    from bench.paths import is_folder

    return source is not None and is_folder(Path(source)) and Path(source).resolve() == folder.resolve()


def _examples(found: Comparison, models: Path | None) -> list[Examples]:
    """What changed most in the first row that tells, of each task unit and pair of models."""
    from bench.cli.examples import example_finder

    rows = found.telling
    if not rows:
        return []
    finder = example_finder(models, found.notes)
    return [finder.examples(row) for row in rows]
