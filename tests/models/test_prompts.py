from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.models.folders.stated import read_stated
from bench.models.keys import ROLES, TASK_TYPES, names_a_task
from bench.models.profile import ModelProfile, TextContext
from bench.models.prompts import (
    ANY_TASK,
    DEFAULT_INSTRUCTIONS,
    Instruction,
    PromptTask,
    never_used,
    resolve_prompt,
    text_context,
)
from bench.models.registry import ModelEntry

SHOP = PromptTask(("shop", "SciFact"), "Retrieval", lambda role: Instruction(f"find {role}", "card"))
PAIRS = PromptTask(("pairs",), "STS")


def profile(prompts=None, default=None, **facts) -> ModelProfile:
    known = {
        "width": 4, "similarity": "cosine", "role_matters": False, "parameters": 1, "weight_bytes": 4,
        "max_seq_length": None, "pooling": "mean", "padding_side": "right",
    }  # fmt: skip
    return ModelProfile(prompts=prompts or {}, default_prompt=default, **(known | facts))


def entry(prompts=None, **settings) -> ModelEntry:
    return ModelEntry(name="m", source=["x"], prompts=prompts or {}, **settings)


OWN = {"query": "q: ", "document": "d: ", "passage": "p: ", "other": "o: "}


@pytest.mark.parametrize(
    ("own", "default", "override", "role", "prompt"),
    [
        ({}, None, {}, "query", ""),
        (OWN, None, {}, "query", "q: "),
        (OWN, None, {}, "document", "d: "),
        (OWN, None, {}, "text", ""),
        ({"passage": "p: ", "corpus": "c: "}, None, {}, "document", "p: "),
        ({"corpus": "c: "}, None, {}, "document", "c: "),
        # Saving a model writes an empty `document` beside the prompt that its author stated.
        ({"query": "q: ", "document": "", "passage": "p: "}, None, {}, "document", "p: "),
        ({"passage": "p: "}, None, {"document": ""}, "document", ""),
        (OWN, "other", {}, "query", "q: "),
        (OWN, "other", {}, "text", "o: "),
        ({"other": "o: "}, "other", {}, "query", "o: "),
        (OWN, "other", {"query": "mine "}, "query", "mine "),
        (OWN, "other", {"query": "mine "}, "document", "d: "),
        (OWN, "other", {"text": ""}, "text", ""),
        (OWN, None, {"passage": "mine "}, "document", "mine "),
    ],
)
def test_the_entrys_prompt_goes_before_the_models(own, default, override, role, prompt):
    assert resolve_prompt(entry(override), own, default, ANY_TASK, role).prompt == prompt


@pytest.mark.parametrize(
    ("prompts", "role", "prompt"),
    [
        ({"shop-query": "1", "shop": "2", "Retrieval-query": "3", "Retrieval": "4", "query": "5"}, "query", "1"),
        ({"shop": "2", "Retrieval-query": "3", "Retrieval": "4", "query": "5"}, "query", "2"),
        ({"SciFact-query": "2b", "Retrieval-query": "3", "query": "5"}, "query", "2b"),
        ({"Retrieval-query": "3", "Retrieval": "4", "query": "5"}, "query", "3"),
        ({"Retrieval": "4", "query": "5"}, "query", "4"),
        ({"Retrieval": "4", "query": "5"}, "document", "4"),
        ({"STS": "6", "query": "5"}, "query", "5"),
        ({"Retrieval-passage": "7", "Retrieval": "4"}, "document", "7"),
    ],
)
def test_the_most_specific_key_counts_in_the_entry_and_in_the_folder(prompts, role, prompt):
    assert resolve_prompt(entry(prompts), {}, None, SHOP, role).prompt == prompt
    assert resolve_prompt(entry(), prompts, None, SHOP, role).prompt == prompt


_KEYS = st.sampled_from(
    [base + suffix for base in ("SciFact", "STS17", "Retrieval", "STS", "Classification") for suffix in
     ("", "-query", "-document")] + ["query", "document", "other"]
)  # fmt: skip


@given(
    prompts=st.dictionaries(_KEYS, st.text(alphabet="abc", min_size=1, max_size=3), max_size=6),
    task=st.sampled_from([("SciFact", "Retrieval"), ("STS17", "STS"), ("Banking77Classification", "Classification")]),
    role=st.sampled_from(ROLES),
)
def test_prompts_are_found_as_mteb_finds_them(prompts, task, role):
    from mteb.models.abs_encoder import get_prompt_name
    from mteb.types import PromptType

    name, kind = task
    role_there = None if role == "text" else PromptType(role)
    key = get_prompt_name(prompts, SimpleNamespace(name=name, type=kind), role_there)
    expected = prompts[key] if key else ""
    assert resolve_prompt(entry(), prompts, None, PromptTask((name,), kind), role).prompt == expected


TEMPLATE = "Instruct: {instruction}\nQuery: "


@pytest.mark.parametrize("documents", [False, True])
@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, role) for name in ("SciFact", "ArguAna", "NFCorpus") for role in ("query", "document")),
        *(
            (name, "text")
            for name in ("STS17", "Banking77Classification", "STSBenchmark", "TwentyNewsgroupsClustering")
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_instructions_are_those_of_mtebs_wrapper(name, role, documents):
    import mteb
    from mteb.models.instruct_wrapper import InstructSentenceTransformerModel
    from mteb.types import PromptType

    from bench.tasks.mteb_bridge import mteb_instruction

    metadata = mteb.get_task(name).metadata
    wrapper = InstructSentenceTransformerModel.__new__(InstructSentenceTransformerModel)
    wrapper.instruction_template, wrapper.prompts_dict = TEMPLATE, None
    expected = wrapper.get_task_instruction(metadata, None if role == "text" else PromptType(role))
    if role == "document" and not documents:
        expected = ""

    def stated(role):
        text = mteb_instruction(name, role)
        return None if text is None else Instruction(text, "mteb")

    task = PromptTask((name,), metadata.type, stated)
    found = resolve_prompt(entry({"query": TEMPLATE}, instruct_documents=documents), {}, None, task, role)
    assert found.prompt == expected


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_default_instructions_are_mtebs():
    from mteb.abstasks import abstask
    from mteb.get_tasks import TASK_LIST

    theirs = {}
    for task in TASK_LIST:
        if task.metadata.type in DEFAULT_INSTRUCTIONS:
            theirs.setdefault(task.metadata.type, set()).add(abstask.get_abstask_prompt(task.metadata.name))
    # Aggregates of tasks have none.
    assert {kind: {text} for kind, text in DEFAULT_INSTRUCTIONS.items()} == {
        kind: texts - {""} for kind, texts in theirs.items()
    }


def test_the_types_of_tasks_are_mtebs():
    from typing import get_args

    from mteb.abstasks.task_metadata import TaskType

    assert set(TASK_TYPES) <= set(get_args(TaskType))
    assert {kind for kind in get_args(TaskType) if "2" not in kind and not kind.startswith(("Audio", "Video", "Image",
        "Visual", "Vision", "Document", "Compo"))} == set(TASK_TYPES)  # fmt: skip


def test_a_template_goes_on_symmetric_texts_and_on_documents_only_when_asked():
    template = entry({"query": TEMPLATE})
    assert resolve_prompt(template, {}, None, PAIRS, "text").prompt == (
        "Instruct: Retrieve semantically similar text.\nQuery: "
    )
    assert resolve_prompt(template, {}, None, SHOP, "query").prompt == "Instruct: find query\nQuery: "
    assert resolve_prompt(template, {"document": "d: "}, None, SHOP, "document").prompt == "d: "
    both = entry({"query": TEMPLATE}, instruct_documents=True)
    assert (
        resolve_prompt(both, {"document": "d: "}, None, SHOP, "document").prompt == "Instruct: find document\nQuery: "
    )
    by_type = entry({"Retrieval": TEMPLATE})
    assert resolve_prompt(by_type, {}, None, SHOP, "document").prompt == ""
    own_key = entry({"query": TEMPLATE, "document": "Passage of {instruction}: "})
    assert resolve_prompt(own_key, {}, None, SHOP, "document").prompt == "Passage of find document: "


def test_a_template_without_an_instruction_is_left_out():
    silent = PromptTask(("x",), "Retrieval", lambda _: Instruction("", "card"))
    assert resolve_prompt(entry({"query": TEMPLATE}), {}, None, silent, "query").prompt == ""


@pytest.mark.parametrize(("role", "task"), [("query", "query"), ("document", "document"), ("text", None)])
def test_the_role_is_an_argument_of_models_that_read_it(role, task):
    assert text_context(entry(), profile(OWN, role_matters=True), SHOP, role).task == task
    assert text_context(entry(), profile(OWN), SHOP, role).task is None


def test_a_models_own_task_arguments_are_named_by_type_and_role():
    jina = entry(task={"Retrieval-query": "retrieval.query", "Retrieval-document": "retrieval.passage", "STS": "match"})
    facts = profile(role_matters=True)
    assert text_context(jina, facts, SHOP, "query").task == "retrieval.query"
    assert text_context(jina, facts, SHOP, "document").task == "retrieval.passage"
    assert text_context(jina, facts, PAIRS, "text").task == "match"
    assert text_context(jina, facts, PromptTask((), "Clustering"), "text").task is None


def test_prompts_that_nothing_can_use_are_known():
    stated = {"s2p_query": "x", "query": "q", "Classification": "c", "shop-query": "s", "silent": "", "own": "o"}
    assert never_used(stated, "own", [SHOP]) == ["s2p_query"]
    assert names_a_task("STSB") and not names_a_task("STS-query")


def test_the_folder_states_only_what_its_file_says(tiny_model):
    path = tiny_model / "config_sentence_transformers.json"
    written = json.loads(path.read_text())
    path.write_text(json.dumps({**written, "prompts": {"query": "red : ", "passage": "blue : "}}))
    stated = read_stated(tiny_model, "m")
    assert stated.prompts == {"query": "red : ", "passage": "blue : "}
    path.write_text(json.dumps({key: value for key, value in written.items() if key != "prompts"}))
    assert read_stated(tiny_model, "m").prompts == {}


def test_a_profile_survives_being_stored():
    stored = profile(OWN, "other").model_dump_json()
    assert ModelProfile.model_validate_json(stored) == profile(OWN, "other")
    assert TextContext() == TextContext(prompt="", task=None)
