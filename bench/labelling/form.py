"""The sheet as one HTML file: pairs to label with keys, kept in the browser, downloaded as the same CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.files import digest_bytes
from bench.labelling.sheet import COLUMNS, SheetRow
from bench.reading import read_text
from bench.report.html.page import content_policy, script_json

_FOLDER = Path(__file__).resolve().parent / "page"


def form_html(rows: Sequence[SheetRow], pool: str, task: str, file: str) -> str:
    """The page.

    Args:
        rows: The rows.
        pool: What the pairs were chosen from.
        task: The task, for people.
        file: What the downloaded CSV is called.

    Returns:
        HTML; the same bytes for the same input. Nothing of the texts can become markup.
    """
    from jinja2 import Environment, StrictUndefined

    style = read_text(_FOLDER / "form.css")
    script = f'"use strict";\n(() => {{\n{read_text(_FOLDER / "form.js")}}})();\n'
    texts = list(dict.fromkeys(text for row in rows for text in (row.query, row.document)))
    places = {text: place for place, text in enumerate(texts)}
    data = {
        "file": file,
        "columns": COLUMNS,
        "pool": pool,
        "texts": texts,
        "pairs": [[row.query_id, row.document_id, places[row.query], places[row.document], row.pair] for row in rows],
    }
    content = script_json(data)
    # One browser keeps the answers of several forms apart by what they ask.
    content = script_json({**data, "key": f"bench-labels-{digest_bytes(content.encode('utf-8', 'surrogatepass'))}"})
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        read_text(_FOLDER / "form.html.j2")
    )
    inlined = {"style": style, "script": script, "data": content}
    return template.render(policy=content_policy(script, style), task=task, **inlined)
