"""What scores were made with: prompts, instructions, pooling, similarity, padding, settings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.markdown import code, escape, pipe_table
from bench.results.common import Finding, ModelInfo, TextInput

_ORIGINS = {"card": "", "mteb": " (instruction of mteb)", "default": " (mteb's instruction for this type of task)"}
_SHOWN_APART = {"pooling", "similarity", "padding_side"}
_ROLES = {"query": "queries", "document": "documents", "text": "texts"}


def input_rows(records: Sequence[Finding]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What texts of a task unit were encoded with, for each model: names and facts, in Markdown.

    Args:
        records: One record a model; older ones that do not say are left out.
    """
    return [(record.model.name, encoded_with(record)) for record in records if record.inputs is not None]


def input_table(rows: Sequence[tuple[str, list[tuple[str, str]]]]) -> str:
    """The facts of all models as a Markdown table, a column each that some model has; empty for no rows."""
    names = list(dict.fromkeys(name for _, facts in rows for name, _ in facts))
    if not rows:
        return ""
    lines = [[escape(model), *(dict(facts).get(name, "") for name in names)] for model, facts in rows]
    return pipe_table(lines, ["model", *names], text_columns=1 + len(names))


def encoded_with(record: Finding) -> list[tuple[str, str]]:
    """Names and facts of what a record's texts were encoded with, in Markdown; what does not apply is left out."""
    facts = [(f"before {_ROLES[role]}", _prompt(given)) for role, given in (record.inputs or {}).items()]
    for role, given in (record.inputs or {}).items():
        if given.task is not None:
            facts.append((f"`task` of {_ROLES[role]}", code(given.task)))
    return facts + model_facts(record.model)


def model_facts(model: ModelInfo) -> list[tuple[str, str]]:
    """Names and facts of a model that decide its vectors whatever the task, in Markdown."""
    pooling = escape(model.pooling or "") + (" (assumed)" if model.pooling and model.pooling_assumed else "")
    further = {name: value for name, value in model.settings.items() if name not in _SHOWN_APART}
    settings = ", ".join(code(name if value is True else f"{name}: {value}") for name, value in further.items())
    facts = [
        ("pooling", pooling),
        ("similarity", escape(model.similarity or "")),
        ("padding", escape(model.padding or "")),
        ("settings", settings),
        ("own code", "runs" if model.trust_remote_code else ""),
    ]
    return [(name, text) for name, text in facts if text]


def _prompt(given: TextInput) -> str:
    if not given.prompt:
        return "nothing"
    return code(json.dumps(given.prompt, ensure_ascii=False)) + _ORIGINS.get(given.instruction_origin or "", "")
