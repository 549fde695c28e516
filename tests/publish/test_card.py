from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from huggingface_hub.utils import yaml_dump
from hypothesis import given
from hypothesis import strategies as st
from support import audit_record, made_record, quality_record

from bench.models.profile import ModelProfile
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.publish.card import Subject, render_card
from bench.publish.scores import eval_results, own_results
from bench.training.record import MadeRecord

NASTY = "a: \"b\"\n---\n# <script>alert(1)</script> | `c` [d](e) 'f' & - g"
PROFILE = ModelProfile(
    width=8, similarity="cosine", prompts={"query": "", "document": ""}, default_prompt=None, role_matters=False,
        pooling="mean", padding_side="right",
    parameters=1234, weight_bytes=4936, max_seq_length=48,
)  # fmt: skip


def subject(*records, name="mini", profile=PROFILE, record=None, located=None, **entry):
    numbered = [(Path(f"{number}.json"), item) for number, item in enumerate(records)]
    fields = {"name": name, **({} if "recipe" in entry else {"source": ["./mini"]}), **entry}
    return Subject(
        entry=ModelEntry(**fields),
        located=located or Located(Path("nowhere"), "./mini", "folder"),
        fingerprint="f" * 32,
        profile=profile,
        record=record,
        results=own_results(numbered, name, "f" * 32),
    )


def made(**changes):
    return MadeRecord.model_validate(made_record(**changes))


def test_the_hubs_own_reader_finds_the_results():
    shown = subject(
        quality_record(views={(8, "float32"): 0.5, (4, "int8"): 0.25}),
        quality_record(task="talk", metric="cosine_spearman", views={(8, "float32"): 0.75}),
        kind="mrl",
        source=["package:somewhere", "hub:org/base"],
    )
    card = ModelCard(render_card(shown, "mini"))
    assert card.data.model_name == "mini"
    assert card.data.eval_results == eval_results(shown.results)
    assert [(result.metric_name, result.metric_value) for result in card.data.eval_results] == [
        ("ndcg_at_10, 8 dims, float32", 0.5),
        ("ndcg_at_10, 4 dims, int8", 0.25),
        ("cosine_spearman, 8 dims, float32", 0.75),
    ]
    assert (card.data.library_name, card.data.pipeline_tag) == ("sentence-transformers", "sentence-similarity")
    assert card.data.base_model == "org/base"
    assert "matryoshka" in card.data.tags


def test_without_results_the_card_says_how_to_make_some():
    text = render_card(subject(name="my model"), "mini")
    assert "There are none yet." in text
    assert "\nbench run --model 'my model'\n" in text
    assert ModelCard(text).data.to_dict().keys() == {"library_name", "pipeline_tag", "tags"}


def test_a_found_model_is_told_by_its_source_and_revision(tmp_path):
    located = Located(tmp_path, "hub:org/mini", "hub", "0123abcd")
    text = render_card(subject(located=located), "mini")
    assert "written by bench from hub:org/mini, revision 0123abcd." in text
    assert f"- fingerprint: {'f' * 32}" in text
    assert "- 8 dimensions, compared by cosine" in text
    assert "- texts are cut to 48 tokens" in text


@pytest.mark.parametrize(
    ("own_card", "licence"),
    [
        ("---\nlicense: mit\n---\n# x\n", "mit"),
        ("---\nlicense: [mit]\n---\n", None),
        ("---\nlicense: 'm\n---\n", None),
        ("---\n- a\n---\n", None),
        ("no metadata", None),
        (None, None),
    ],
)
def test_a_found_models_licence_goes_with_it(tmp_path, own_card, licence):
    if own_card is not None:
        (tmp_path / "README.md").write_text(own_card)
    text = render_card(subject(located=Located(tmp_path, "./mini", "folder")), "mini")
    assert ModelCard(text).data.license == licence


def test_a_made_model_is_told_by_its_recipe():
    text = render_card(subject(record=made(), kind="mrl"), "mini")
    assert "made by bench 0.1 from" in text
    assert "- data: shop (train), 1,234 rows (pairs), loss CoSENT" in text
    assert '"base": "tiny"' in text
    assert "allows leakage" not in text


def test_leakage_is_told_also_where_it_was_allowed_later():
    assert "its recipe allows leakage" in render_card(subject(record=made(leakage_allowed=True)), "mini")
    recipe = {"base": ["tiny"], "data": [{"task": "shop"}], "allow_leakage": True}
    shown = subject(record=made(), kind="fine-tuned", recipe=recipe)
    assert "its recipe allows leakage" in render_card(shown, "mini")


def python_of(text):
    return re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)


def test_the_code_is_what_fits_the_model():
    [code] = python_of(render_card(subject(), "mini"))
    assert "SentenceTransformer('./mini')" in code
    assert "model.encode(" in code
    assert "encode_query" not in code
    prompted = subject(prompts={"query": "find: "}, truncate_dims=[8, 4, 2], trust_remote_code=True)
    whole, cut = python_of(render_card(prompted, "mini"))
    assert "SentenceTransformer('./mini', trust_remote_code=True)" in whole
    assert "encode_query" in whole
    assert "encode_document" in whole
    assert "truncate_dim=4," in cut
    assert "normalize_embeddings=True" in cut
    dot = subject(truncate_dims=[4], profile=PROFILE.model_copy(update={"similarity": "dot"}))
    # The length of a vector counts in a dot product.
    assert "normalize_embeddings" not in render_card(dot, "mini")
    assert '- before each query: "find: "' in render_card(prompted, "mini")


def test_the_dims_of_a_recipe_are_shown_where_the_entry_names_none():
    recipe = {"base": ["tiny"], "data": [{"task": "shop"}], "matryoshka": {"dims": [8, 2]}}
    assert "truncate_dim=2)" in render_card(subject(kind="mrl", recipe=recipe, record=made()), "mini")


@pytest.mark.parametrize("folder", ["it's", 'a"b', "größe 😀", "back\\slash", "\udcff", "```"])
def test_any_folders_name_gives_code_that_runs(folder):
    text = render_card(subject(), folder)
    text.encode("utf-8")
    [code] = python_of(text)
    line = next(line for line in code.splitlines() if line.startswith("model"))
    assert ast.literal_eval(line.partition("SentenceTransformer")[2]) == f"./{folder}"


def nasty_subject(text):
    record = quality_record("m", task=text, notes=[text], metric="ndcg_at_10")
    task = record.task.model_copy(
        update={"subset": text, "split": text, "dataset": text, "revision": text, "mteb_type": text}
    )
    record = record.model_copy(update={"task": task})
    data = {"label": text, "shape": text, "rows": 1, "loss": text, "weight": None, "fingerprint": text}
    base, recipe = {"name": text, "fingerprint": text}, {"base": text}
    told = made(recipe=recipe, base=base, data=[data], device=text, versions={text: text}, identity=text)
    return subject(record, audit_record([text], task=text), name="m", record=told, prompts={"query": text})


def test_names_from_files_can_break_neither_the_metadata_nor_the_page():
    text = render_card(nasty_subject(NASTY), "mini")
    card = ModelCard(text)
    [result] = card.data.eval_results
    one_line = " ".join(NASTY.split())
    assert (result.dataset_type, result.dataset_name, result.dataset_config) == (one_line,) * 3
    outside = re.sub(r"```.*?```", "", card.text, flags=re.DOTALL)
    assert "<script>" not in outside.replace("\\<script\\>", "")
    # Every row of the table has as many cells as the head.
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    headings = [line for line in outside.splitlines() if line.startswith("#")]
    assert headings[0] == "# m"
    assert headings[1:3] == ["## Use", "## Results"]
    assert len(headings) == 4


_PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)


@given(_PRINTABLE)
def test_any_name_is_read_back(text):
    if not text.split():
        return
    card = ModelCard(render_card(nasty_subject(text), "mini"))
    [result] = card.data.eval_results
    assert result.dataset_name == " ".join(text.split())
    assert yaml.safe_load(yaml_dump(card.data.to_dict())) == card.data.to_dict()
