"""What mteb says that a model needs and neither its entry nor its folder gives."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.models.entries.folder_facts import FolderFacts, hub_snapshot, read_facts
from bench.models.entries.needs.record import ModelNeeds, known_needs, mteb_version
from bench.models.keys import Role
from bench.models.prompts import PromptTask, resolve_prompt, task_argument
from bench.models.registry import ModelEntry
from bench.models.source import hub_repo

Inputs = Sequence[tuple[PromptTask, Sequence[Role]]]

_CALLED: dict[Role, str] = {"query": "queries", "document": "documents", "text": "texts"}


def missing_needs(entry: ModelEntry, folder: Path, inputs: Inputs) -> str | None:
    """What a public model needs on some tasks and does not get, in a sentence; None where it gets all that mteb names.

    A model is public by a Hub id among its sources, or by a folder that is a snapshot in the Hub's cache. Without mteb
    nothing is known.

    Args:
        entry: The model's entry.
        folder: Its folder.
        inputs: The tasks, each with the roles of its inputs.

    Raises:
        BenchError: A file of the folder is broken.
    """
    if entry.recipe is not None or entry.drawn or mteb_version() is None:
        return None
    repos = [repo for source in entry.source if (repo := hub_repo(source, entry.base_dir))]
    repo = repos[0] if repos else hub_snapshot(folder)[0]
    try:
        needs = known_needs(repo) if repo is not None else None
    except BenchError:
        return None
    if repo is None or needs is None:
        return None
    facts = read_facts(folder, f"model `{entry.name}`")
    lacking = list(_lacking(entry, needs, facts, inputs))
    if lacking:
        return (
            f"mteb's metadata of {repo} name what neither its entry nor its folder gives: {'; '.join(lacking)}; "
            f"`bench models add {shlex.quote(repo)} --print` shows an entry with all of it"
        )
    # Of a model without any key, notes say why.
    left = needs.left_open(facts.options, notes=not needs.prompts)
    return f"its vectors may not be those that mteb measures: {'; '.join(left)}" if left else None


def _lacking(entry: ModelEntry, needs: ModelNeeds, facts: FolderFacts, inputs: Inputs) -> Iterator[str]:
    ideal = ModelEntry.model_construct(
        name="", prompts=needs.prompts, task=needs.task, instruct_documents=needs.instruct_documents
    )
    prompts: dict[str, None] = {}
    tasks: dict[str, None] = {}
    for stated, roles in inputs:
        # Whether there is an instruction does not depend on its words.
        task = PromptTask(stated.names, stated.type)
        for role in roles:
            wanted = resolve_prompt(ideal, {}, None, task, role).prompt
            given = resolve_prompt(entry, facts.stated.prompts, facts.stated.default_prompt, task, role)
            if wanted and not given.prompt and given.origin != "entry":
                prompts[f"a prompt before {_CALLED[role]} ({wanted.strip()!r})"] = None
            argument = task_argument(ideal, task, role)
            if argument is not None and task_argument(entry, task, role) is None:
                tasks[f"`task: {argument}` for {_CALLED[role]}"] = None
    yield from list(prompts)[:2]
    yield from list(tasks)[:2]
    if needs.layer_norm and not entry.layer_norm:
        yield "`layer_norm: true`"
    if needs.add_eos_token and not entry.add_eos_token and facts.options.get("add_eos_token") is not True:
        yield "`add_eos_token: true`"
    if needs.pooling is not None and entry.pooling is None and facts.stated.modules is None:
        yield f"`pooling: {needs.pooling}`"
