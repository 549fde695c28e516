"""`bench tasks check`: what a task's data holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.chosen import chosen_models, with_each_unit, with_made_folder
from bench.cli.options import RegistryFile, TaskName
from bench.cli.output import say, say_text

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
) -> int:
    """Show what a task's data holds: counts, labels, lengths, and texts that are empty or repeated."""
    from bench.audit.record import readable

    loaded = None if model is None else _load(*chosen_models(models, [model]))
    return with_each_unit(name, lambda unit: _print(unit, readable(unit), loaded))


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


def _print(unit: TaskUnit, data: RetrievalData | PairData, loaded: tuple[ModelEntry, SentenceEncoder] | None) -> None:
    from bench.audit.describe import counts, faults, labels, lengths, positives_per_query
    from bench.tasks.data import RetrievalData
    from bench.vectors.texts import texts_by_role

    say("", f"{unit.label} ({unit.split}), {unit.info.type}, {unit.info.place.path}")
    _table([[what, f"{count:,}"] for what, count in counts(data)])
    found = labels(data)
    total = sum(count for _, count in found)
    heading = "label" if isinstance(data, RetrievalData) else "gold score"
    rows = [[value, f"{count:,}", f"{count / total:.1%}"] for value, count in found]
    _table(rows, [heading, "how many", "share"])
    spreads = []
    if isinstance(data, RetrievalData):
        spreads.append(_spread("positives a query", positives_per_query(data)))
    for role, texts in texts_by_role(data).items():
        spreads.append(_spread(f"characters a {role}", lengths(texts)))
        if loaded:
            spreads.append(_tokens(role, texts, unit, *loaded))
    _table(spreads, ["", "n", "least", "median", "p90", "p99", "most", "mean", "cut off"])
    for fault in faults(data):
        if fault.count:
            say(fault.sentence, *(f"  {example}" for example in fault.examples))


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


def _table(rows: list[list[str]], headings: list[str] | None = None) -> None:
    from bench.markdown import plain_table

    width = max(map(len, rows), default=0)
    say_text(plain_table(rows, (headings or [])[:width], ["left"] + ["right"] * (width - 1)) + "\n")
