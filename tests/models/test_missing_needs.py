"""The plan's warning of what a public model needs and does not get."""

from __future__ import annotations

import json

import pytest
from hub_folders import COMMIT, fill_hub_cache

from bench.models.entries.needs import missing_needs
from bench.models.prompts import PromptTask
from bench.models.registry import ModelEntry

pytest.importorskip("mteb")

SEARCH = [(PromptTask(("mine",), "Retrieval"), ("query", "document"))]
STS = [(PromptTask(("mine",), "STS"), ("text",))]


def missing(folder, *sources, inputs=SEARCH, **settings):
    entry = ModelEntry(name="m", source=list(sources) or [str(folder)], **settings)
    return missing_needs(entry, folder, inputs)


def state(folder, **keys):
    (folder / "config_sentence_transformers.json").write_text(json.dumps(keys))


def test_a_prompt_that_neither_entry_nor_folder_gives(tiny_model):
    found = missing(tiny_model, "hub:intfloat/e5-base")
    assert "mteb's metadata of intfloat/e5-base name what neither its entry nor its folder gives" in found
    assert "a prompt before queries ('query:'); a prompt before documents ('passage:')" in found
    assert found.endswith("`bench models add intfloat/e5-base --print` shows an entry with all of it")
    assert "\n" not in found


def test_any_source_may_name_the_model(tiny_model):
    assert missing(tiny_model, str(tiny_model), "intfloat/e5-base")
    assert missing(tiny_model, str(tiny_model)) is None


def test_a_snapshot_in_the_hubs_cache_is_public(tmp_path, tiny_model):
    snapshot = fill_hub_cache(tmp_path / "hub", "intfloat/e5-base", tiny_model, COMMIT)
    assert "intfloat/e5-base" in missing(snapshot)


@pytest.mark.parametrize(
    "prompts",
    [
        {"query": "query: ", "document": "passage: "},
        {"query": "mine: ", "document": ""},
        {"Retrieval": "query: "},
        {"mine-query": "query: ", "mine-document": "x"},
    ],
)
def test_an_entry_with_prompts_of_its_own_is_left_alone(tiny_model, prompts):
    assert missing(tiny_model, "intfloat/e5-base", prompts=prompts) is None


def test_what_the_folder_states_is_given(tiny_model):
    state(tiny_model, prompts={"query": "query: ", "passage": "passage: "})
    assert missing(tiny_model, "intfloat/e5-base") is None
    # An empty one is what libraries write where the author stated none.
    state(tiny_model, prompts={"query": "", "document": ""})
    assert missing(tiny_model, "intfloat/e5-base")
    state(tiny_model, prompts={"a": "x"}, default_prompt_name="a")
    assert missing(tiny_model, "intfloat/e5-base") is None


def test_only_what_the_tasks_of_the_run_need_is_missing(tiny_model):
    assert missing(tiny_model, "BAAI/bge-base-en-v1.5", inputs=STS) is None
    assert "before queries" in missing(tiny_model, "BAAI/bge-base-en-v1.5")
    assert "before documents" not in missing(tiny_model, "BAAI/bge-base-en-v1.5")
    post = [(PromptTask(("BrightBiologyRetrieval",), "Retrieval"), ("query",))]
    assert "'Represent this biology post" in missing(tiny_model, "BAAI/bge-base-en-v1.5", inputs=post)


def test_instructions_task_arguments_and_settings(tiny_model):
    assert "Instruct: " in missing(tiny_model, "Qwen/Qwen3-Embedding-0.6B")
    template = {"query": "Instruct: {instruction}\nQuery: "}
    found = missing(tiny_model, "Alibaba-NLP/gte-Qwen2-7B-instruct", prompts=template)
    assert "gives: `add_eos_token: true`;" in found
    given = {"prompts": template, "add_eos_token": True}
    assert missing(tiny_model, "Alibaba-NLP/gte-Qwen2-7B-instruct", **given) is None
    found = missing(tiny_model, "jinaai/jina-embeddings-v3", inputs=STS)
    assert "`task: text-matching` for texts" in found
    assert missing(tiny_model, "jinaai/jina-embeddings-v3", inputs=STS, task={"STS": "text-matching"}) is None
    prompts = {"query": "q", "document": "d"}
    assert "`layer_norm: true`" in missing(tiny_model, "nomic-ai/nomic-embed-text-v1.5", prompts=prompts)
    assert missing(tiny_model, "nomic-ai/nomic-embed-text-v1.5", prompts=prompts, layer_norm=True) is None


def test_an_end_token_of_the_tokenizers_own_is_given(tiny_model):
    template = {"query": "Instruct: {instruction}\nQuery: "}
    config = tiny_model / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "add_eos_token": True}))
    assert missing(tiny_model, "Alibaba-NLP/gte-Qwen2-7B-instruct", prompts=template) is None


def test_a_pooling_that_mteb_adds_to_a_plain_folder(tiny_model):
    prompts = {"query": "{instruction}\nQuery: ", "document": "x"}
    whole = missing(tiny_model, "BMRetriever/BMRetriever-410M", prompts=prompts, add_eos_token=True)
    assert whole is None
    (tiny_model / "modules.json").unlink()
    plain = missing(tiny_model, "BMRetriever/BMRetriever-410M", prompts=prompts, add_eos_token=True)
    assert "`pooling: lasttoken`" in plain


def test_a_model_that_mteb_encodes_in_a_way_of_its_own(tiny_model):
    found = missing(tiny_model, "jxm/cde-small-v2")
    assert found.startswith("its vectors may not be those that mteb measures: mteb encodes with a class of its own")
    assert "vector_dim" in missing(tiny_model, "NovaSearch/jasper_en_vision_language_v1", prompts={"query": "x"})


@pytest.mark.parametrize("source", ["sentence-transformers/all-MiniLM-L6-v2", "nobody/knows-this", "package:x"])
def test_models_that_need_nothing_or_are_not_known(tiny_model, source):
    assert missing(tiny_model, source) is None


def test_without_mteb_nothing_is_said(tiny_model, monkeypatch):
    monkeypatch.setattr("bench.models.entries.needs.missing.mteb_version", lambda: None)
    assert missing(tiny_model, "intfloat/e5-base") is None


def test_a_broken_mteb_stops_nothing(tiny_model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mteb", None)
    assert missing(tiny_model, "intfloat/e5-base") is None
