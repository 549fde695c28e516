"""What `bench tasks check` prints below its counts: documents, HTML, lengths, languages, margins."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.cli.output import say, say_text

if TYPE_CHECKING:
    from bench.audit.languages import Languages
    from bench.audit.margin import Margin
    from bench.models.keys import Role
    from bench.results.index import ResultIndex
    from bench.results.schema import AuditFinding
    from bench.tasks.unit import TaskUnit

_MARGINS = (0.01, 0.02)
_PLURAL = {"query": "queries", "document": "documents", "text": "texts"}
_LISTED = 5
_LEGEND = """deviation: standard deviation of paired differences, the median and the largest of the comparisons measured
difference: the smallest true difference, either way, that is found in 80% of samples (5%, two-sided)
drop: the smallest margin within which two equally good sides pass as no worse in 80% of samples (5%, one-sided)
{items} for 0.01: how many a margin of 0.01 needs (docs/prepare-your-data.md)"""


def print_finding(finding: AuditFinding, hint: str = "") -> None:
    """A finding that found something, with its examples."""
    if finding.count:
        ending = f": {hint}" if hint else ""
        say(finding.sentence + ending, *(f"  {example}" for example in finding.examples))


def print_texts(texts: Mapping[Role, list[str]], *, tokens_counted: bool) -> None:
    """HTML, and texts that may be cut off where no model counted tokens."""
    from bench.audit.describe import long_texts, markup

    for role, members in texts.items():
        print_finding(markup(_PLURAL[role], members), "`bench tasks add --strip-html` scores what they say without it")
    if not tokens_counted:
        for role, members in texts.items():
            hint = "models that read 256 tokens may cut them off; --model NAME counts"
            print_finding(long_texts(_PLURAL[role], members), hint)


def print_languages(texts: Mapping[Role, list[str]]) -> None:
    """A table of languages and scripts by role, and what queries have and documents lack."""
    from bench.audit.languages import FEWEST_BYTES, lacking, languages

    found = {role: languages(members) for role, members in texts.items()}
    reasons = {known.reason for known in found.values()} - {None}
    if reasons:
        say("", f"languages: not looked at: {reasons.pop()}")
    rows = [_languages_row(_PLURAL[role], known) for role, known in found.items()]
    headings = ["", "looked at", "too short", "uncertain", "languages", "scripts"]
    say("")
    echo_table(rows, headings, right=range(1, 4))
    say(f"Too short: fewer than {FEWEST_BYTES} letters of Latin, {-(-FEWEST_BYTES // 3)} Chinese ones.")
    if "query" in found:
        for sentence in lacking(found["query"], found["document"]):
            say(f"{sentence}: they need a model that matches across languages, or documents of their own.")


def _languages_row(role: str, known: Languages) -> list[str]:
    looked = f"{known.sampled:,} of {known.texts:,}"
    if known.reason:
        return [role, looked, "", "", "", _shares(known.scripts)]
    return [role, looked, f"{known.short:,}", f"{known.uncertain:,}", _shares(known.languages), _shares(known.scripts)]


def _shares(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    shown = [(name, count / total) for name, count in list(counts.items())[:_LISTED] if count >= 0.005 * total]
    rest = len(counts) - len(shown)
    others = [] if not rest else ["1 other"] if rest == 1 else [f"{rest} others"]
    return ", ".join([*(f"{name} {100 * share:.3g}%" for name, share in shown), *others])


def print_margins(unit: TaskUnit, observations: int, index: ResultIndex, folder: str) -> None:
    """How small a difference in the main metric the task can show."""
    from bench.audit.deviations import deviations, spreads
    from bench.audit.margin import FEWEST, margins

    metric = unit.main_metric
    own = spreads(deviations(index, (unit.task, unit.split, unit.subset), unit.fingerprint, metric))
    found = margins(metric, observations, own)
    items = "queries" if unit.info.type == "retrieval" else "pairs"
    say("", f"What {observations:,} independent {items} can show in {metric}")
    if not found:
        hint = f"score two models (bench run), so that {folder} holds how they differ"
        lacking = f"no deviation was measured: {hint}" if observations > 1 else "nothing: a test needs two of them"
        say(f"  {lacking}")
        return
    headings = ["comparison", "measured on", "deviation", "difference", "drop"]
    headings += [f"{items} for {margin:g}" for margin in _MARGINS]
    say("")
    echo_table([_margin_row(margin) for margin in found], headings, right=range(2, 7))
    say_text(_LEGEND.format(items=items))
    if observations < FEWEST:
        say(f"With fewer than {FEWEST} {items} these are approximations.")


def _margin_row(margin: Margin) -> list[str]:
    from bench.audit.margin import needed_words, span

    spread = margin.spread
    return [
        margin.comparison,
        f"{'this task' if margin.own else 'others'} ({spread.pairs})",
        span(f"{spread.median:.3f}", f"{spread.largest:.3f}"),
        *(span(*(f"{value:#.2g}" for value in ends)) for ends in (margin.difference, margin.drop)),
        *(needed_words(spread, wanted) for wanted in _MARGINS),
    ]


def echo_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = (), *, right: Container[int]) -> None:
    """Print a table and an empty line.

    Args:
        rows: The cells.
        headings: Those of the columns that the rows have; none for a plain list.
        right: Which columns are aligned to the right.
    """
    from bench.markdown import plain_table

    width = max(map(len, rows), default=0)
    align = ["right" if column in right else "left" for column in range(width)]
    say_text(plain_table(rows, list(headings)[:width], align) + "\n")
