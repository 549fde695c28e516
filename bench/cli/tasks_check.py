"""`bench tasks check`: what a task's data holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.check_notes import echo_table, print_finding, print_languages, print_margins, print_texts
from bench.cli.chosen import chosen_models, with_each_unit, with_made_folder
from bench.cli.options import RegistryFile, ResultsFolder, TaskName
from bench.cli.output import say

if TYPE_CHECKING:
    from bench.models.encoder import SentenceEncoder
    from bench.models.registry import ModelEntry, Registry
    from bench.tasks.data import PairData, RetrievalData
    from bench.tasks.unit import TaskUnit


def check(
    name: TaskName,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME_OR_PATH", help="Also count tokens as this model does, with its prompts."),
    ] = None,
    models: RegistryFile = None,
    results: ResultsFolder = Path("results"),
) -> int:
    """Show what a task's data holds, and how small a difference it can show.

    Counts, labels, lengths; texts that are empty, repeated, HTML or long; languages of a sample. The difference follows
    from how much models differ query by query: those in the results folder on this data, else others on other tasks.
    """
    from bench.audit.record import readable
    from bench.paths import is_folder
    from bench.results.index import ResultIndex
    from bench.results.store import ResultStore

    loaded = None if model is None else _load(*chosen_models(models, [model]))
    index = ResultIndex(ResultStore(results).records() if is_folder(results) else [])

    def work(unit: TaskUnit) -> None:
        data = readable(unit)
        _print_counts(unit, data, loaded)
        _print_notes(data, tokens_counted=loaded is not None)
        print_margins(unit, len(set(data.clusters.tolist())), index, str(results))

    return with_each_unit(name, work)


def _load(entries: list[ModelEntry], registry: Registry) -> tuple[ModelEntry, SentenceEncoder]:
    from bench.errors import UsageError
    from bench.models.loading import load_encoder
    from bench.models.source import locate

    if len(entries) != 1 or entries[0].kind == "baseline":
        raise UsageError("--model: tokens are counted with one embedding model", hint="`bench models` lists them")
    entry = with_made_folder(entries[0], registry, download=True)
    encoder = load_encoder(entry, locate(entry, download=True))
    if not encoder.counts_tokens:
        raise UsageError(f"--model: `{entries[0].name}` has no tokenizer that can be asked for counts")
    return entries[0], encoder


def _print_counts(
    unit: TaskUnit, data: RetrievalData | PairData, loaded: tuple[ModelEntry, SentenceEncoder] | None
) -> None:
    from bench.audit.describe import counts, labels, lengths, positives_per_query
    from bench.tasks.data import RetrievalData
    from bench.vectors.texts import texts_by_role

    say("", f"{unit.label} ({unit.split}), {unit.info.type}, {unit.info.place.path}")
    echo_table([[what, f"{count:,}"] for what, count in counts(data)], right=[1])
    found = labels(data)
    total = sum(count for _, count in found)
    heading = "label" if isinstance(data, RetrievalData) else "gold score"
    rows = [[value, f"{count:,}", f"{count / total:.1%}"] for value, count in found]
    echo_table(rows, [heading, "how many", "share"], right=[1, 2])
    spreads = []
    if isinstance(data, RetrievalData):
        spreads.append(_spread("positives a query", positives_per_query(data)))
    for role, texts in texts_by_role(data).items():
        spreads.append(_spread(f"characters a {role}", lengths(texts)))
        if loaded:
            spreads.append(_tokens(role, texts, unit, *loaded))
    echo_table(spreads, ["", "n", "least", "median", "p90", "p99", "most", "mean", "cut off"], right=range(1, 9))


def _print_notes(data: RetrievalData | PairData, *, tokens_counted: bool) -> None:
    from bench.audit.describe import faults, never_relevant
    from bench.tasks.data import RetrievalData
    from bench.vectors.texts import texts_by_role

    for fault in faults(data):
        print_finding(fault)
    if isinstance(data, RetrievalData):
        say(never_relevant(data))
    texts = texts_by_role(data)
    print_texts(texts, tokens_counted=tokens_counted)
    print_languages(texts)


def _tokens(role: Any, texts: list[str], unit: TaskUnit, entry: ModelEntry, encoder: SentenceEncoder) -> list[str]:
    from bench.audit.describe import Spread
    from bench.models.prompts import text_context

    context = text_context(entry, encoder.profile, unit.prompt_task, role)
    tokens = encoder.token_counts(texts, context, cut=False)
    limit = encoder.limit(context)
    cut = "no limit" if limit is None else f"{int((tokens > limit).sum()):,} at {limit}"
    return [*_spread(f"tokens a {role}", Spread.of(tokens)), cut]


def _spread(what: str, spread: Any) -> list[str]:
    values = (spread.n, spread.least, spread.median, spread.p90, spread.p99, spread.most)
    return [what, *(f"{value:,}" for value in values), f"{spread.mean:,.1f}"]
