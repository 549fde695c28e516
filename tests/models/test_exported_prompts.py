from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.models.export.exported_prompts import exported_prompts, left_open
from bench.models.keys import ROLES, TASK_TYPES, split_key
from bench.models.profile import ModelProfile
from bench.models.prompts import ANY_TASK, PromptTask, resolve_prompt
from bench.models.registry import ModelEntry

TASKS = {"SciFact": "Retrieval", "STS17": "STS", "Banking": "Classification", "Other": "Reranking"}


def profile(prompts, default=None):
    return ModelProfile(
        width=4, similarity="cosine", prompts=prompts, default_prompt=default, role_matters=False, parameters=1,
        weight_bytes=4, max_seq_length=None, pooling="mean", padding_side="right",
    )  # fmt: skip


def entry(prompts, **settings):
    return ModelEntry(name="m", source=["x"], prompts=prompts, **settings)


def library(prompts, default, name, task_type, role):
    """What mteb's wrapper and sentence-transformers put before an input of a model with this configuration."""
    from mteb.models.abs_encoder import get_prompt_name
    from mteb.types import PromptType

    kind = None if role == "text" else PromptType(role)
    found = get_prompt_name(prompts, SimpleNamespace(name=name, type=task_type), kind)
    return prompts[found] if found is not None else prompts[default] if default else ""


_BASES = ["Retrieval", "STS", "Classification", "SciFact", "STS17"]
_KEYS = [
    "query", "document", "passage", "corpus", "text",
    *_BASES, *(f"{base}-{role}" for base in _BASES for role in ("query", "document", "passage")),
]  # fmt: skip
_PROMPTS = st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(["", "a: ", "b: ", "c: ", "d: "]), max_size=5)


@given(_PROMPTS, _PROMPTS, st.booleans())
def test_libraries_look_up_what_bench_resolves(own, stated, with_default):
    try:
        made = entry(own)
    except ValidationError:
        # Two names of one role.
        return
    default = next(iter(stated), None) if with_default else None
    known = profile(stated, default)
    if left_open(made, known):
        return
    prompts, name = exported_prompts(made, known)
    assert name is None or name in prompts
    for role in ROLES:
        expected = resolve_prompt(made, stated, default, ANY_TASK, role).prompt
        assert library(prompts, name, "", "", role) == expected
        for task, kind in TASKS.items():
            expected = resolve_prompt(made, stated, default, PromptTask((task,), kind), role).prompt
            assert library(prompts, name, task, kind, role) == expected, (task, role, prompts)


def test_prompts_of_the_folder_that_the_entry_leaves_alone_stay():
    own = {"query": "q: ", "s2p_query": "other: ", "STS": "s: "}
    assert exported_prompts(entry({}), profile(own)) == ({**own, "document": ""}, None)
    assert exported_prompts(entry({}), profile(own, "s2p_query")) == ({**own, "document": "other: "}, "s2p_query")


def test_a_prompt_with_an_instruction_is_not_stated():
    made = entry({"query": "Instruct: {instruction}\nQuery: ", "STS": "{instruction}: ", "Classification": "c: "})
    prompts, name = exported_prompts(made, profile({"query": "q: ", "STS-query": "s: "}))
    assert (prompts, name) == ({"query": "", "document": "", "Classification": "c: ", "STS-query": ""}, None)


@pytest.mark.parametrize(
    ("own", "stated", "names"),
    [
        ({"Retrieval": "a"}, {"SciFact": "b", "query": "q"}, ["SciFact"]),
        ({"query": "a"}, {"SciFact": "b"}, []),
        ({"Retrieval": "a", "SciFact": "c"}, {"SciFact": "b"}, []),
        ({"Retrieval": "a"}, {"STS": "b"}, []),
    ],
)
def test_prompts_that_may_apply_otherwise_are_named(own, stated, names):
    assert left_open(entry(own), profile(stated)) == names
    assert all(split_key(name)[0] not in TASK_TYPES for name in names)
