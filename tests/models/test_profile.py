from __future__ import annotations

import pytest

from bench.models.profile import ModelProfile, TextContext
from bench.models.registry import ModelEntry, Prompts


def profile(prompts: dict[str, str] | None = None, default: str | None = None, *, routed: bool = False) -> ModelProfile:
    return ModelProfile(
        width=4, similarity="cosine", prompts=prompts or {}, default_prompt=default, routed=routed, parameters=1,
        weight_bytes=4, max_seq_length=None,
    )  # fmt: skip


def entry(**prompts: str) -> ModelEntry:
    return ModelEntry(name="m", source=["x"], prompts=Prompts(**prompts))


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
        (OWN, "other", {}, "query", "q: "),
        (OWN, "other", {}, "text", "o: "),
        ({"other": "o: "}, "other", {}, "query", "o: "),
        (OWN, "absent", {}, "text", ""),
        (OWN, "other", {"query": "mine "}, "query", "mine "),
        (OWN, "other", {"query": "mine "}, "document", "d: "),
        (OWN, "other", {"text": ""}, "text", ""),
    ],
)
def test_the_entrys_prompt_goes_before_the_models(own, default, override, role, prompt):
    assert profile(own, default).prompt(entry(**override), role) == prompt


@pytest.mark.parametrize(("role", "route"), [("query", "query"), ("document", "document"), ("text", None)])
def test_a_routed_model_gets_the_role(role, route):
    assert profile(OWN, routed=True).context(entry(), role).route == route
    assert profile(OWN).context(entry(), role).route is None


def test_the_prompts_are_those_that_sentence_transformers_takes(tiny_model):
    import json

    from sentence_transformers import SentenceTransformer

    path = tiny_model / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prompts": {"query": "red : ", "document": "blue : "}}))
    model = SentenceTransformer(str(tiny_model), device="cpu")
    ours = profile(model.prompts)
    for role, encode in [("query", model.encode_query), ("document", model.encode_document)]:
        expected = model.encode("saw", prompt=ours.prompt(entry(), role))
        assert encode("saw").tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_profile_survives_being_stored():
    stored = profile(OWN, "other").model_dump_json()
    assert ModelProfile.model_validate_json(stored) == profile(OWN, "other")
    assert TextContext() == TextContext(prompt="", route=None)
