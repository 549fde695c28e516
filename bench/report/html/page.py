"""reports/index.html: the tables, a trade-off chart and a budget box in one file, from results alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.neutral import neutral_values
from bench.reading import read_text
from bench.report.html.data import page_data
from bench.report.html.sizes import Sizes
from bench.report.rows import Table

_FOLDER = Path(__file__).resolve().parent
# The fields of the budget: name, label, example.
_FIELDS = (
    ("size", "Corpus size, documents", ""),
    ("storage", "Storage at most", "2GB"),
    ("search", "Search p95 at most", "5 ms"),
    ("encode", "Encode p95 at most", "20 ms"),
    ("memory", "Memory at most", "2GB"),
    ("share", "Share of the best full-width score at least", "95%"),
    ("score", "Score at least", "0.6"),
)
# One script, in the order in which a reader follows it.
_SCRIPTS = ("dom", "format", "data", "state", "filters", "table", "scales", "chart", "budget", "answer", "main")
# What could end the block of data.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def render_html(
    tables: Sequence[Table],
    environments: dict[str, dict[str, Any]],
    sizes: Sizes,
    left_out: Sequence[str] = (),
) -> str:
    """The page.

    Args:
        tables: Those of the leaderboards.
        environments: The facts of each environment, by fingerprint.
        sizes: Searching measured at other sizes.
        left_out: What is on no table, a line each.

    Returns:
        HTML; the same bytes for the same input.
    """
    return render_data(page_data(tables, environments, sizes), left_out)


def render_data(data: dict[str, Any], left_out: Sequence[str] = ()) -> str:
    """The page around the data (see bench.report.html.data) and what that leaves out."""
    from jinja2 import Environment, StrictUndefined

    style = read_text(_FOLDER / "style.css")
    script = "".join(read_text(_FOLDER / "js" / f"{name}.js") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        read_text(_FOLDER / "page.html.j2")
    )
    # These three stand in the template as they are: the package's own, and what json_text has escaped.
    inlined = {"style": style, "script": script, "data": json_text(data)}
    return template.render(policy=content_policy(script, style), fields=_FIELDS, left_out=left_out, **inlined)


def json_text(data: Any) -> str:
    """JSON that can stand inside a script element, whatever the strings in it, which are made neutral."""
    return script_json(neutral_values(data))


def script_json(data: Any) -> str:
    """JSON that can stand inside a script element, whatever the strings in it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def content_policy(script: str, style: str) -> str:
    """A Content-Security-Policy that allows this script and this style, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
