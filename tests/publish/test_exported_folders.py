"""Exported folders need nothing else, name no place on this machine, and encode by themselves as bench does."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from hub_folders import COMMIT, fill_hub_cache
from outside_models import (
    add_scaling,
    cache_code,
    edit_json,
    make_adapter,
    name_model_code,
    name_tokenizer_code,
    write_code,
)
from sentence_transformers import SentenceTransformer
from support import made_record, make_model, make_transformer, quality_record

from bench.cache import cache_root
from bench.errors import BenchError
from bench.models.loading import load_encoder
from bench.models.prompts import ANY_TASK, text_context
from bench.models.registry import ModelEntry
from bench.models.source import Located
from bench.publish.folder import publish_model

pytestmark = pytest.mark.usefixtures("one_thread", "modules_cache")

TEXTS = ["red pipe", "a steel valve for the blue hose ?", "nail " * 30]


def export(folder, out, records=(), **settings):
    """Export a model; gives the vectors that bench has for it by role."""
    entry = ModelEntry(name="mini", source=[str(folder)], device="cpu", **settings)
    located = Located(folder, str(folder), "folder")
    encoder = load_encoder(entry, located)
    contexts = {role: text_context(entry, encoder.profile, ANY_TASK, role) for role in ("query", "document", "text")}
    expected = {role: np.concatenate([encoder.embed([text], of) for text in TEXTS]) for role, of in contexts.items()}
    publish_model(entry, located, [(Path(f"{n}.json"), record) for n, record in enumerate(records)], out)
    return expected


def check_whole(out, expected, places, *, atol=1e-5):
    """Nothing of the folder's origin is needed, or named in any file."""
    for path in out.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        for place in places:
            assert os.fsencode(place) not in text, (path, place)
    # Under another name, so that nothing is known of it.
    moved = out.rename(out.with_name(f"{out.name}-moved"))
    model = SentenceTransformer(str(moved), device="cpu", trust_remote_code=True, local_files_only=True)
    ways = {"query": model.encode_query, "document": model.encode_document, "text": model.encode}
    for role, vectors in expected.items():
        np.testing.assert_allclose(ways[role](TEXTS), vectors, atol=atol, err_msg=role)
    return model


def hide(tmp_path):
    """Take away all that models were made from."""
    (tmp_path / "zoo").rename(tmp_path / "gone")
    shutil.rmtree(cache_root(), ignore_errors=True)


def base_by_path(zoo, cache):
    return make_adapter(make_model(zoo / "base"), zoo / "adapter")


def base_by_id(zoo, cache):
    folder = make_adapter(make_model(zoo / "base"), zoo / "adapter", names="acme/base")
    fill_hub_cache(cache, "acme/base", zoo / "base")
    return folder


def base_with_code(zoo, cache):
    return make_adapter(name_model_code(write_code(make_model(zoo / "base"), scale=2.0), ""), zoo / "adapter")


def base_with_code_elsewhere(zoo, cache):
    cache_code(cache, "acme/code")
    return make_adapter(name_model_code(make_model(zoo / "base"), "acme/code--"), zoo / "adapter")


def with_whole_layers(zoo, cache):
    """An adapter that trains some layers whole."""
    import torch
    from peft import LoraConfig, TaskType

    model = SentenceTransformer(str(make_model(zoo / "base")), device="cpu")
    settings = {"modules_to_save": ["LayerNorm"], "target_modules": ["query", "word_embeddings"]}
    model.add_adapter(LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, r=4, lora_alpha=16, **settings))
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora" in name or "modules_to_save" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
    model.save_pretrained(str(zoo / "adapter"), create_model_card=False)
    edit_json(zoo / "adapter" / "adapter_config.json", base_model_name_or_path=str(zoo / "base"))
    return zoo / "adapter"


def code_elsewhere(zoo, cache):
    cache_code(cache, "acme/code")
    return name_model_code(make_model(zoo / "model"), "acme/code--")


def code_by_path(zoo, cache):
    code = write_code(zoo / "code")
    folder = name_model_code(make_model(zoo / "model"), f"{code}--")
    classes = json.loads((folder / "config.json").read_text())["auto_map"]
    edit_json(folder / "config.json", auto_map={**classes, "AutoModelForMaskedLM": f"{code}--modeling_other.Masked"})
    return folder


def all_code_elsewhere(zoo, cache):
    cache_code(cache, "acme/code")
    cache_code(cache, "acme/scaling.code", extra=2.0)
    folder = name_tokenizer_code(name_model_code(make_model(zoo / "model"), "acme/code--"), "acme/code--")
    return add_scaling(folder, "acme/scaling.code--")


def own_code(zoo, cache):
    return add_scaling(name_model_code(write_code(make_model(zoo / "model")), ""), "")


def code_of_a_router(zoo, cache):
    from sentence_transformers.models import Router

    write_code(zoo / "code")
    parts = [list(SentenceTransformer(str(make_model(zoo / f"part{seed}", seed=seed)))) for seed in (1, 2)]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    folder = zoo / "model"
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    config = folder / "router_config.json"
    settings = json.loads(config.read_text())
    settings["types"]["query_3_Scale"] = "acme/code--scaling.Scale"
    settings["structure"]["query"].append("query_3_Scale")
    config.write_text(json.dumps(settings))
    (folder / "query_3_Scale").mkdir()
    (folder / "query_3_Scale" / "config.json").write_text('{"factor": 3.0}')
    cache_code(cache, "acme/code")
    return folder


def configurations_with_paths(zoo, cache):
    folder = make_model(zoo / "model")
    edit_json(folder / "config.json", _name_or_path=str(folder), nested={"_name_or_path": "/home/author/model"})
    edit_json(
        folder / "tokenizer_config.json",
        name_or_path=str(folder),
        special_tokens_map_file=str(cache / "special_tokens_map.json"),
        tokenizer_file="/root/.cache/huggingface/tokenizer.json",
    )
    edit_json(folder / "config_sentence_transformers.json", notes=f"{Path.home()}/notes")
    return folder


MEMBERS = [
    base_by_path,
    base_by_id,
    base_with_code,
    base_with_code_elsewhere,
    with_whole_layers,
    code_elsewhere,
    code_by_path,
    all_code_elsewhere,
    own_code,
    code_of_a_router,
    configurations_with_paths,
]


@pytest.mark.parametrize("make", MEMBERS)
def test_an_exported_folder_needs_nothing_else(tmp_path, hub_cache, make):
    folder = make(tmp_path / "zoo", hub_cache)
    records = [quality_record(task="shop")]
    expected = export(folder, tmp_path / "out", records, trust_remote_code=True)
    if make is code_of_a_router:
        del expected["text"]
    hide(tmp_path)
    shutil.rmtree(hub_cache)
    places = [tmp_path, cache_root(), f"{Path.home()}/", "/home/author"]
    check_whole(tmp_path / "out", expected, places)
    moved = tmp_path / "out-moved"
    assert not list(moved.rglob("adapter*"))
    assert not [path for path in moved.rglob("*.json") if "acme" in path.read_text()]


def test_the_card_says_what_was_outside(tmp_path, hub_cache):
    base_by_id(tmp_path / "zoo", hub_cache)
    export(tmp_path / "zoo" / "adapter", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"It was an adapter over acme/base, revision {COMMIT}; here it is merged" in card
    assert yaml.safe_load(card.split("---")[1])["base_model"] == "acme/base"
    reference = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    assert f"- {sum(weight.numel() for weight in reference.parameters()):,} parameters" in card
    code_elsewhere(tmp_path / "zoo", hub_cache)
    export(tmp_path / "zoo" / "model", tmp_path / "code", trust_remote_code=True)
    assert f"Its Python code is that of acme/code, revision {COMMIT}." in (tmp_path / "code" / "README.md").read_text()


def test_the_terms_of_a_base_go_with_it(tmp_path, hub_cache):
    folder = base_by_path(tmp_path / "zoo", hub_cache)
    (tmp_path / "zoo" / "base" / "LICENSE").write_text("of the base")
    (folder / "LICENSE").write_text("of the adapter")
    export(folder, tmp_path / "out")
    assert (tmp_path / "out" / "LICENSE").read_text() == "of the adapter"
    assert (tmp_path / "out" / "base-LICENSE").read_text() == "of the base"


def test_the_card_of_a_made_model_names_no_path(tmp_path):
    made = tmp_path / "zoo" / "made"
    make_model(made / "model")
    recipe = {
        "base": [str(tmp_path / "zoo" / "base")],
        "data": [{"file": str(tmp_path / "pairs.jsonl")}, {"task": "shop"}],
    }
    data = {"label": f"{tmp_path}/pairs.jsonl (train)", "shape": "pairs", "rows": 3, "loss": "CoSENT", "weight": None}
    record = made_record(recipe=recipe, data=[{**data, "fingerprint": "c" * 32}], name="mini")
    (made / "recipe.json").write_text(json.dumps(record))
    entry = ModelEntry(name="mini", source=["x"], device="cpu")
    publish_model(entry, Located(made / "model", "recipe", "recipe"), [], tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert str(tmp_path) not in card
    assert "data: pairs.jsonl (train), 3 rows" in card
    assert '"pairs.jsonl"' in card


def test_two_files_of_code_with_one_name_are_refused(tmp_path, hub_cache):
    folder = name_model_code(write_code(make_model(tmp_path / "model")), "")
    cache_code(hub_cache, "acme/code", scale=9.0)
    cache = hub_cache / "models--acme--code" / "snapshots" / COMMIT
    (cache / "scaling.py").write_text((cache / "scaling.py").read_text() + "from .shift import shifted\n")
    (cache / "shift.py").unlink()
    (cache / "shift.py").write_text("def shifted(hidden):\n    return 0\n")
    add_scaling(folder, "acme/code--")
    with pytest.raises(BenchError, match=r"two files of its code have the name shift\.py"):
        export(folder, tmp_path / "out", trust_remote_code=True)
    assert not (tmp_path / "out").exists()


def test_code_that_names_a_folder_of_this_machine_is_refused(tmp_path, hub_cache):
    folder = own_code(tmp_path / "zoo", hub_cache)
    (folder / "shift.py").write_text(f"# see {folder}\n" + (folder / "shift.py").read_text())
    with pytest.raises(BenchError, match=re.escape(f"shift.py names a folder of this machine: {folder}")) as caught:
        export(folder, tmp_path / "out", trust_remote_code=True)
    assert "correct shift.py" in caught.value.hint


# Settings.


@pytest.fixture
def causal(tmp_path):
    """A causal model whose tokenizer has an end token that it does not put."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

    words = "[PAD] <end> [UNK] red pipe a steel valve for the blue hose nail".split()
    special = {"pad_token": "[PAD]", "eos_token": "<end>", "unk_token": "[UNK]"}
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, special["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=48, **special)
    fast.save_pretrained(tmp_path / "causal")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Qwen3Config(vocab_size=len(words), num_key_value_heads=2, head_dim=8, max_position_embeddings=64, **sizes)
    Qwen3Model(config).save_pretrained(tmp_path / "causal")
    return tmp_path / "causal"


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "lasttoken", "padding_side": "left", "add_eos_token": True},
        {"pooling": "weightedmean"},
        {"pooling": "mean", "max_seq_length": 5, "layer_norm": True, "similarity": "dot"},
        {"pooling": "lasttoken", "padding_side": "left", "query_length": 3, "document_length": 4},
    ],
)
def test_settings_of_a_plain_folder_are_in_the_exported_one(causal, tmp_path, settings):
    expected = export(causal, tmp_path / "out", **settings)
    model = check_whole(tmp_path / "out", expected, [tmp_path], atol=1e-6)
    assert model.similarity_fn_name == settings.get("similarity", "cosine")
    assert model.tokenizer.padding_side == settings.get("padding_side", "right")
    if settings.get("add_eos_token"):
        assert model.tokenizer("red pipe")["input_ids"][-1] == model.tokenizer.eos_token_id
    if settings.get("layer_norm"):
        np.testing.assert_allclose(model.encode(TEXTS).mean(axis=1), 0, atol=1e-5)


def test_a_cut_that_the_folder_states_is_shown(tiny_model, tmp_path):
    edit_json(tiny_model / "config_sentence_transformers.json", truncate_dim=8)
    export(tiny_model, tmp_path / "out")
    assert SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(TEXTS).shape[1] == 32
    assert "truncate_dim=8)" in (tmp_path / "out" / "README.md").read_text()


def test_prompts_by_type_and_task_are_in_the_exported_folder(tiny_model, tmp_path):
    edit_json(tiny_model / "config_sentence_transformers.json", prompts={"query": "nail : ", "s2p": "saw : "})
    prompts = {"query": "red : ", "STS": "blue : ", "Retrieval-passage": "hose : ", "SciFact": "drill : "}
    expected = export(tiny_model, tmp_path / "out", prompts=prompts)
    model = check_whole(tmp_path / "out", expected, [tmp_path])
    plain = SentenceTransformer(str(tiny_model), device="cpu")
    texts = {"STS": "blue : ", "Retrieval-document": "hose : ", "SciFact": "drill : ", "s2p": "saw : "}
    for name, prompt in texts.items():
        np.testing.assert_allclose(model.encode(TEXTS, prompt_name=name), plain.encode(TEXTS, prompt=prompt), atol=1e-6)
    assert '- prompt for STS: "blue : "' in (tmp_path / "out-moved" / "README.md").read_text()


def code_of(card):
    return re.findall(r"```python\n(.*?)\n```", card, re.DOTALL)[0]


def run_card(folder):
    """Run the first code of a card beside its folder."""
    code = code_of((folder / "README.md").read_text()).replace(f"'./{folder.name}'", repr(str(folder)))
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102
    return names


def test_with_instructions_the_card_shows_the_code(tiny_model, tmp_path):
    template = 'Find "it" : {instruction}\nQuery : '
    export(tiny_model, tmp_path / "out", prompts={"query": template})
    names = run_card(tmp_path / "out")
    plain = SentenceTransformer(str(tiny_model), device="cpu")
    prompt = template.replace("{instruction}", names["instruction"])
    np.testing.assert_allclose(names["queries"], plain.encode(["a question"], prompt=prompt), atol=1e-6)
    np.testing.assert_allclose(names["documents"], plain.encode(["an answer"]), atol=1e-6)


TASKED = """
from sentence_transformers.models import Module


class Scale(Module):
    config_keys = ["factor"]
    config_file_name = "config.json"

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, features, task=None, **_):
        factors = {"retrieval.query": 2.0, "text-matching": 5.0}
        features["sentence_embedding"] = features["sentence_embedding"] * factors.get(task, self.factor)
        return features

    def save(self, output_path, *args, **settings):
        self.save_config(output_path)
"""


def test_task_arguments_are_shown_and_tried(tiny_model, tmp_path):
    plain = SentenceTransformer(str(tiny_model), device="cpu")
    (tiny_model / "scaling.py").write_text(TASKED)
    modules = json.loads((add_scaling(tiny_model, "") / "modules.json").read_text())
    modules[-1]["kwargs"] = ["task"]
    (tiny_model / "modules.json").write_text(json.dumps(modules))
    task = {"query": "retrieval.query", "STS": "text-matching"}
    export(tiny_model, tmp_path / "out", task=task, prompts={"query": "red : "}, trust_remote_code=True)
    names = run_card(tmp_path / "out")
    np.testing.assert_allclose(names["queries"], 2 * plain.encode(["a question"], prompt="red : "), atol=1e-6)
    np.testing.assert_allclose(names["documents"], 3 * plain.encode(["an answer"]), atol=1e-6)
    np.testing.assert_allclose(names["vectors"], 5 * plain.encode(["a text", "another"]), atol=1e-6)
    assert '- the argument `task` for STS: "text-matching"' in (tmp_path / "out" / "README.md").read_text()


def test_a_plain_folder_of_a_masked_model(tmp_path):
    folder = make_transformer(tmp_path / "zoo" / "plain", family="mpnet")
    expected = export(folder, tmp_path / "out", pooling="cls")
    check_whole(tmp_path / "out", expected, [tmp_path])
