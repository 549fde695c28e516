"""What a model card says of how a model was made."""

from __future__ import annotations

import json

from bench.markdown import code, escape
from bench.neutral import neutral_json
from bench.training.record import MadeRecord


def model_card(record: MadeRecord) -> str:
    """The card of a model in the store: what it is and how it was made, without its scores, which results/ has."""
    lines = ["---", "library_name: sentence-transformers", "pipeline_tag: sentence-similarity"]
    lines += ["tags: [sentence-transformers, sentence-similarity, feature-extraction]", "---", ""]
    return "\n".join([*lines, f"# {escape(record.name)}", "", how_it_was_made(record)])


def how_it_was_made(record: MadeRecord) -> str:
    """The base, the data, the recipe and the libraries, as Markdown."""
    lines = [f"A sentence-transformers model ({record.kind}), made by bench {escape(record.bench_version)} from", ""]
    lines += [f"- base: {escape(record.base.name)}, fingerprint {escape(record.base.fingerprint)}"]
    for data in record.data:
        shape, loss = escape(data.shape), escape(data.loss)
        seen = "" if data.seen in {None, data.rows} else f", {data.seen:,} of them in a batch"
        lines.append(f"- data: {escape(data.label)}, {data.rows:,} rows ({shape}){seen}, loss {loss}")
        lines += [f"  - before each {column}: {code(prompt)}" for column, prompt in data.prompts.items()]
    lines += [f"- {record.steps:,} steps on {escape(record.device)}", f"- recipe's hash: {escape(record.identity)}", ""]
    if record.leakage_allowed:
        lines += ["It may have been trained on data that it is tested on: its recipe allows leakage.", ""]
    # No line of it can end the block: JSON's strings are quoted and hold no newlines.
    recipe = neutral_json(json.dumps(record.recipe, indent=2, ensure_ascii=False))
    lines += ["The recipe:", "", "```json", recipe, "```", "", "The libraries:", ""]
    lines += [f"- {escape(name)} {escape(version)}" for name, version in record.versions.items()]
    return "\n".join(lines) + "\n"
