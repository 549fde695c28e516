from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
from hub_folders import COMMIT, fill_hub_cache
from outside_models import (
    SCALING,
    add_scaling,
    cache_code,
    change_weights,
    edit_json,
    make_adapter,
    move_ref,
    name_model_code,
    name_tokenizer_code,
    write_code,
)
from sentence_transformers import SentenceTransformer
from support import make_model

from bench.cost.loading import ModelFiles
from bench.cost.probes import memory
from bench.errors import BenchError
from bench.hub import NotDownloadedError
from bench.models.fingerprint import fingerprint
from bench.models.folders.outside import find_outside
from bench.models.folders.outside_notes import outside_notes
from bench.models.loading import load_encoder
from bench.models.profile import TextContext
from bench.models.registry import ModelEntry
from bench.models.source import Located, locate

pytestmark = pytest.mark.usefixtures("one_thread", "modules_cache")

TEXTS = ["red pipe", "a steel valve for the blue hose ?", "nail"]
NEWER = "f" * 40


def entry(folder, *, trust=True):
    return ModelEntry(name="m", source=[str(folder)], device="cpu", trust_remote_code=trust)


def space(folder, **settings):
    return fingerprint(entry(folder, **settings), folder).space


def vectors(folder, **settings):
    encoder = load_encoder(entry(folder, **settings), Located(folder, str(folder), "folder"))
    return encoder.embed(TEXTS, TextContext())


@pytest.fixture
def base(tmp_path):
    return make_model(tmp_path / "zoo" / "base")


@pytest.fixture
def adapter(base, tmp_path):
    return make_adapter(base, tmp_path / "zoo" / "adapter")


# Adapters.


def named_by_id(base, tmp_path, cache, revision=None):
    fill_hub_cache(cache, "acme/base", base)
    return make_adapter(base, tmp_path / "zoo" / "adapter", names="acme/base", revision=revision)


WAYS = {
    "absolute path": lambda base, tmp_path: make_adapter(base, tmp_path / "zoo" / "adapter"),
    "path from the working directory": lambda base, tmp_path: make_adapter(
        base, tmp_path.with_name(f"{tmp_path.name}-elsewhere") / "adapter", names="zoo/base"
    ),
    "path from its own folder": lambda base, tmp_path: make_adapter(
        base, tmp_path / "zoo" / "adapter", names="../base"
    ),
    "path from a folder above": lambda base, tmp_path: make_adapter(
        base, tmp_path / "zoo" / "more" / "adapter", names="./base"
    ),
    "Hub id": lambda base, tmp_path: named_by_id(base, tmp_path, tmp_path / "hub"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_adapter_is_another_model_when_its_base_changes(base, tmp_path, monkeypatch, hub_cache, way):
    if way == "path from the working directory":
        monkeypatch.chdir(tmp_path)
    folder = WAYS[way](base, tmp_path)
    before, found = space(folder, trust=False), vectors(folder, trust=False)
    reference = SentenceTransformer(str(base), device="cpu")
    assert not np.allclose(found, reference.encode(TEXTS), atol=1e-2)
    reference.load_adapter(str(folder))
    np.testing.assert_allclose(found, reference.encode(TEXTS), atol=1e-6)
    change_weights(hub_cache / "models--acme--base" / "snapshots" / COMMIT if way == "Hub id" else base)
    assert space(folder, trust=False) != before


def test_what_no_loader_reads_of_a_base_does_not_count(base, adapter):
    before = space(adapter)
    edit_json(base / "1_Pooling" / "config.json", pooling_mode="cls")
    (base / "README.md").write_text("other")
    assert space(adapter) == before
    edit_json(base / "config.json", layer_norm_eps=1e-3)
    assert space(adapter) != before


def test_the_weights_of_a_base_are_counted_as_files(base, adapter):
    made, located = entry(adapter), Located(adapter, str(adapter), "folder")
    profile = load_encoder(made, located).profile
    files = ModelFiles(made, located, space(adapter), profile, {"document": TextContext()})
    answer = memory.probe({"model": files.to_job(), "texts": TEXTS, "role": "document"})
    [size] = [figure.value for figure in answer.figures if figure.name == "weights_file_bytes"]
    weights = [base / "model.safetensors", adapter / "adapter_model.safetensors"]
    assert size == sum(path.stat().st_size for path in weights)


def test_another_base_of_the_same_name_gives_its_own_vectors(base, adapter, tmp_path):
    before, first = space(adapter), vectors(adapter)
    shutil.rmtree(base)
    make_model(base.with_name("other"), seed=7).rename(base)
    assert space(adapter) != before
    reference = SentenceTransformer(str(base), device="cpu")
    reference.load_adapter(str(adapter))
    found = vectors(adapter)
    np.testing.assert_allclose(found, reference.encode(TEXTS), atol=1e-6)
    assert not np.allclose(found, first, atol=1e-2)


def test_the_revision_that_an_adapter_names_is_loaded(base, tmp_path, hub_cache):
    snapshot = fill_hub_cache(hub_cache, "acme/base", base)
    other = make_model(tmp_path / "other", seed=7)
    shutil.copytree(other, snapshot.with_name(NEWER))
    (snapshot.parents[1] / "refs" / "main").write_text(NEWER)
    pinned = make_adapter(base, tmp_path / "pinned", names="acme/base", revision=COMMIT)
    latest = make_adapter(base, tmp_path / "latest", names="acme/base")
    for folder, weights in ((pinned, base), (latest, other)):
        reference = SentenceTransformer(str(weights), device="cpu")
        reference.load_adapter(str(folder))
        np.testing.assert_allclose(vectors(folder), reference.encode(TEXTS), atol=1e-6)


def test_a_base_in_several_files_counts_with_all(base, tmp_path):
    model = SentenceTransformer(str(base), device="cpu").transformers_model
    (base / "model.safetensors").unlink()
    model.save_pretrained(base, max_shard_size="20KB")
    shards = sorted(base.glob("model-*.safetensors"))
    assert len(shards) > 2
    folder = make_adapter(base, tmp_path / "adapter")
    before = space(folder)
    content = bytearray(shards[1].read_bytes())
    content[-1] ^= 1
    shards[1].write_bytes(content)
    assert space(folder) != before
    shards[1].unlink()
    with pytest.raises(BenchError, match="the base of its adapter is not here, or not whole"):
        space(folder)


def test_a_base_whose_weights_are_pickled(base, tmp_path):
    import torch

    state = SentenceTransformer(str(base), device="cpu").transformers_model.state_dict()
    folder = make_adapter(base, tmp_path / "adapter")
    expected = vectors(folder)
    (base / "model.safetensors").unlink()
    torch.save(state, base / "pytorch_model.bin")
    before = space(folder)
    np.testing.assert_allclose(vectors(folder), expected, atol=1e-6)
    torch.save({**state, "embeddings.LayerNorm.bias": torch.ones(32)}, base / "pytorch_model.bin")
    assert space(folder) != before


def test_an_adapter_of_another_method(base, tmp_path):
    from peft import IA3Config, TaskType

    model = SentenceTransformer(str(base), device="cpu")
    model.add_adapter(
        IA3Config(task_type=TaskType.FEATURE_EXTRACTION, target_modules=["key", "value"], feedforward_modules=[])
    )
    for name, weight in model.named_parameters():
        if "ia3" in name:
            weight.data.add_(0.5)
    expected = model.encode(TEXTS)
    folder = tmp_path / "adapter"
    model.save_pretrained(str(folder), create_model_card=False)
    np.testing.assert_allclose(vectors(folder), expected, atol=1e-6)
    before = space(folder)
    change_weights(base)
    assert space(folder) != before


def test_an_adapter_in_the_folder_of_a_module(base, adapter, tmp_path):
    whole = vectors(adapter)
    folder = tmp_path / "nested"
    shutil.copytree(adapter, folder / "0_Transformer")
    for name in ("modules.json", "config_sentence_transformers.json", "1_Pooling", "2_Normalize"):
        shutil.move(folder / "0_Transformer" / name, folder / name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    before = space(folder)
    np.testing.assert_allclose(vectors(folder), whole, atol=1e-6)
    change_weights(base)
    assert space(folder) != before


def test_an_adapter_over_an_adapter_is_refused(base, adapter, tmp_path):
    second = make_adapter(base, tmp_path / "second", names=str(adapter))
    # An adapter's folder is no whole model; with the base's files in it, transformers would leave the first out.
    with pytest.raises(BenchError, match="not here, or not whole"):
        space(second)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(base / name, adapter / name)
    with pytest.raises(BenchError, match="is an adapter itself") as caught:
        space(second)
    assert "merge" in caught.value.hint


def test_an_adapter_without_peft_is_refused(adapter, monkeypatch):
    monkeypatch.setattr("bench.models.ready.find_spec", lambda name: None)
    with pytest.raises(BenchError, match="peft that puts one over its base is not installed") as caught:
        vectors(adapter)
    assert caught.value.hint == "pip install 'mrl-bench[peft]'"


def test_an_adapter_that_transformers_loads_in_part_is_refused(adapter):
    edit_json(adapter / "adapter_config.json", use_dora=True)
    with pytest.raises(BenchError, match="leaves out the magnitudes") as caught:
        space(adapter)
    assert "merge_and_unload" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/nowhere/base", "is not here, or not whole: /nowhere/base"),
        ("./outputs/checkpoint-100", "looked in"),
        ("acme/base", "acme/base is not in the Hub's local cache"),
        ("", "names no base"),
        (None, "names no base"),
    ],
)
def test_a_base_that_is_not_here_is_refused_with_a_way_out(adapter, hub_cache, name, words):
    edit_json(adapter / "adapter_config.json", base_model_name_or_path=name)
    with pytest.raises(BenchError, match=words) as caught:
        space(adapter)
    assert "base_model_name_or_path" in caught.value.hint
    assert "model `m`" in caught.value.where


def test_a_base_on_the_hub_has_to_be_downloaded_first(adapter, hub_cache, monkeypatch):
    edit_json(adapter / "adapter_config.json", base_model_name_or_path="acme/base")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(NotDownloadedError, match="acme/base has to be downloaded"):
        locate(entry(adapter), download=False)


def test_a_base_is_downloaded_with_its_adapter(base, adapter, hub_cache, monkeypatch):
    edit_json(adapter / "adapter_config.json", base_model_name_or_path="acme/base")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    asked = []

    def download(repo, *, local_files_only=False, **options):
        from huggingface_hub.errors import LocalEntryNotFoundError

        if local_files_only:
            raise LocalEntryNotFoundError("not here")
        asked.append((repo, options.get("revision")))
        return str(fill_hub_cache(hub_cache, repo, base))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
    locate(entry(adapter), download=True)
    assert asked == [("acme/base", None)]
    assert vectors(adapter).shape == (3, 32)


# Code of other repositories.


def shifted(folder, scale=1.0, roll=1):
    """What the model of `write_code` gives: worked out from the hidden states of the model without that code."""
    import torch

    model = SentenceTransformer(str(folder), device="cpu")
    found = []
    for text in TEXTS:
        features = model.preprocess([text])
        hidden = model.transformers_model(**features).last_hidden_state[0]
        pooled = (hidden + scale * hidden.roll(roll, -1)).mean(dim=0)
        found.append(torch.nn.functional.normalize(pooled, dim=0).detach().numpy())
    return np.stack(found)


def test_code_of_another_repository_counts_and_is_what_runs(tiny_model, tmp_path, hub_cache):
    plain = shutil.copytree(tiny_model, tmp_path / "plain")
    snapshot = cache_code(hub_cache, "acme/code")
    name_model_code(tiny_model, "acme/code--")
    seen = {space(tiny_model)}
    np.testing.assert_allclose(vectors(tiny_model), shifted(plain), atol=1e-6)
    # Another main.
    newer = move_ref(snapshot, NEWER, {"shift.py": (snapshot / "shift.py").read_text().replace("1", "2", 1)})
    seen.add(space(tiny_model))
    np.testing.assert_allclose(vectors(tiny_model), shifted(plain, roll=2), atol=1e-6)
    # The same commit with other content, which transformers would not look at again.
    (newer / "modeling_other.py").unlink()
    shutil.copy(write_code(tmp_path / "edited", scale=4.0) / "modeling_other.py", newer / "modeling_other.py")
    seen.add(space(tiny_model))
    np.testing.assert_allclose(vectors(tiny_model), shifted(plain, scale=4.0, roll=2), atol=1e-6)
    assert len(seen) == 3


def test_files_of_the_repository_that_it_does_not_run_do_not_count(tiny_model, hub_cache):
    snapshot = cache_code(hub_cache, "acme/code")
    before = space(name_model_code(tiny_model, "acme/code--"))
    (snapshot / "scaling.py").unlink()
    (snapshot / "README.md").write_text("other")
    assert space(tiny_model) == before


def test_without_trust_no_code_counts(tiny_model, hub_cache):
    name_model_code(tiny_model, "acme/code--")
    before = space(tiny_model, trust=False)
    cache_code(hub_cache, "acme/code")
    assert space(tiny_model, trust=False) == before


def test_a_tokenizers_code_counts_and_is_what_runs(tiny_model, tmp_path, hub_cache):
    plain = SentenceTransformer(str(tiny_model), device="cpu")
    snapshot = cache_code(hub_cache, "acme/code")
    name_tokenizer_code(tiny_model, "acme/code--", slow="acme/none--slow.Slow")
    before = space(tiny_model)
    np.testing.assert_allclose(vectors(tiny_model), plain.encode([t.replace("red", "blue") for t in TEXTS]), atol=1e-6)
    code = (snapshot / "tokenization_other.py").read_text().replace('"blue"', '"green"')
    move_ref(snapshot, NEWER, {"tokenization_other.py": code})
    assert space(tiny_model) != before
    np.testing.assert_allclose(vectors(tiny_model), plain.encode([t.replace("red", "green") for t in TEXTS]), atol=1e-6)


def test_a_modules_code_counts_and_is_what_runs(tiny_model, hub_cache):
    plain = SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS)
    snapshot = cache_code(hub_cache, "acme/code")
    add_scaling(tiny_model, "acme/code--")
    before = space(tiny_model)
    np.testing.assert_allclose(vectors(tiny_model), 3 * plain, atol=1e-6)
    move_ref(snapshot, NEWER, {"scaling.py": SCALING.replace("EXTRA", "2.0")})
    assert space(tiny_model) != before
    np.testing.assert_allclose(vectors(tiny_model), 6 * plain, atol=1e-6)


def test_each_class_may_be_in_a_repository_of_its_own(tiny_model, tmp_path, hub_cache):
    plain = shutil.copytree(tiny_model, tmp_path / "plain")
    cache_code(hub_cache, "acme/code")
    cache_code(hub_cache, "acme/more.code-1", scale=9.0, extra=2.0)
    add_scaling(name_model_code(tiny_model, "acme/code--"), "acme/more.code-1--")
    np.testing.assert_allclose(vectors(tiny_model), 6 * shifted(plain), atol=1e-5)
    names = {name.partition("--")[0] for name in find_outside(entry(tiny_model), tiny_model).digests()}
    assert names == {"acme/code", "acme/more.code-1"}


def test_code_in_a_folder_that_a_path_names(tiny_model, tmp_path, hub_cache):
    plain = shutil.copytree(tiny_model, tmp_path / "plain")
    code = write_code(tmp_path / "code")
    before = space(name_model_code(tiny_model, f"{code}--"))
    np.testing.assert_allclose(vectors(tiny_model), shifted(plain), atol=1e-6)
    write_code(code, scale=2.0)
    assert space(tiny_model) != before


def test_classes_of_a_router_count(tmp_path, hub_cache):
    from sentence_transformers.models import Router

    parts = [list(SentenceTransformer(str(make_model(tmp_path / f"part{seed}", seed=seed)))) for seed in (1, 2)]
    router = Router.for_query_document(query_modules=parts[0], document_modules=parts[1])
    folder = tmp_path / "both"
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    [config] = folder.rglob("router_config.json")
    settings = json.loads(config.read_text())
    place = next(name for name in settings["types"] if name.startswith("query_0"))
    name_model_code(config.parent / place, "acme/code--")
    snapshot = cache_code(hub_cache, "acme/code")
    before = space(folder)
    move_ref(snapshot, NEWER, {"shift.py": "def shifted(hidden):\n    return hidden\n"})
    assert space(folder) != before


@pytest.mark.parametrize("line", ["from ./../../secret import x", "from ./tmp/secret import x"])
def test_names_in_code_cannot_leave_its_folder(tiny_model, hub_cache, line):
    name_model_code(tiny_model, "acme/code--")
    snapshot = cache_code(hub_cache, "acme/code")
    move_ref(snapshot, NEWER, {"shift.py": f"{line}\n"})
    with pytest.raises(BenchError, match="acme/code is not in the Hub's local cache"):
        space(tiny_model)


def test_names_of_weights_cannot_leave_their_folder(base, adapter):
    (base / "model.safetensors").rename(base.parent / "weights.safetensors")
    index = {"metadata": {}, "weight_map": {"x": "../weights.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BenchError, match="not here, or not whole"):
        space(adapter)


@pytest.mark.parametrize("missing", ["modeling_other.py", "shift.py"])
def test_code_that_is_not_here_is_refused_with_a_way_out(tiny_model, hub_cache, missing):
    name_model_code(tiny_model, "acme/code--")
    (cache_code(hub_cache, "acme/code") / missing).unlink()
    with pytest.raises(BenchError, match="acme/code is not in the Hub's local cache") as caught:
        space(tiny_model)
    assert "modeling_other" in caught.value.where
    assert "acme/code--..." in caught.value.hint


def test_classes_that_are_not_loaded_need_not_be_here(tiny_model, hub_cache):
    cache_code(hub_cache, "acme/code")
    name_model_code(tiny_model, "acme/code--")
    classes = json.loads((tiny_model / "config.json").read_text())["auto_map"]
    other = {"AutoModelForSequenceClassification": "acme/none--modeling.Other"}
    edit_json(tiny_model / "config.json", auto_map={**classes, **other})
    assert vectors(tiny_model).shape == (3, 32)


def test_code_in_the_folder_of_a_base(base, tmp_path, hub_cache):
    plain = shutil.copytree(base, tmp_path / "plain")
    name_model_code(write_code(base), "")
    adapter = make_adapter(base, tmp_path / "adapter")
    before, first = space(adapter), vectors(adapter)
    write_code(base, roll=3)
    assert space(adapter) != before
    assert not np.allclose(vectors(adapter), first, atol=1e-3)
    write_code(base, scale=0.0)
    reference = SentenceTransformer(str(plain), device="cpu")
    reference.load_adapter(str(adapter))
    np.testing.assert_allclose(vectors(adapter), reference.encode(TEXTS), atol=1e-6)


def test_code_that_a_base_names_in_another_repository(base, tmp_path, hub_cache):
    snapshot = cache_code(hub_cache, "acme/code")
    name_model_code(base, "acme/code--")
    adapter = make_adapter(base, tmp_path / "adapter")
    before, first = space(adapter), vectors(adapter)
    move_ref(snapshot, NEWER, {"shift.py": "def shifted(hidden):\n    return hidden\n"})
    assert space(adapter) != before
    assert not np.allclose(vectors(adapter), first, atol=1e-3)


def test_two_folders_of_one_name_run_their_own_code(tiny_model, tmp_path):
    plain = shutil.copytree(tiny_model, tmp_path / "plain")
    folders = {scale: shutil.copytree(tiny_model, tmp_path / str(scale) / "model") for scale in (1.0, 5.0)}
    for scale, folder in folders.items():
        name_model_code(write_code(folder, scale=scale), "")
    for scale, folder in folders.items():
        np.testing.assert_allclose(vectors(folder), shifted(plain, scale=scale), atol=1e-6)


def test_a_module_of_an_installed_package(tiny_model, tmp_path, monkeypatch):
    package = write_code(tmp_path / "site" / "scaled")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "site")
    plain = SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS)
    add_scaling(tiny_model, "scaled.")
    before = space(tiny_model)
    np.testing.assert_allclose(vectors(tiny_model), 3 * plain, atol=1e-6)
    write_code(package, extra=2.0)
    assert space(tiny_model) != before
    del sys.modules["scaled"], sys.modules["scaled.scaling"]


def test_a_module_that_is_nowhere_is_refused(tiny_model):
    with pytest.raises(BenchError, match=r"its module nowhere_at_all.scaling.Scale is neither") as caught:
        space(add_scaling(tiny_model, "nowhere_at_all."))
    assert "install the package" in caught.value.hint


def test_a_tokenizer_from_elsewhere_is_refused(tiny_model):
    edit_json(tiny_model / "sentence_bert_config.json", tokenizer_name_or_path="acme/tokenizer")
    with pytest.raises(BenchError, match="tokenizer_name_or_path") as caught:
        space(tiny_model)
    assert "copy the tokenizer's files" in caught.value.hint


def test_a_model_that_is_whole_in_its_folder_has_nothing_outside(tiny_model):
    outside = find_outside(entry(tiny_model), tiny_model)
    assert not outside
    assert outside.digests() == {}
    (tiny_model / "config.json").write_text("{")
    assert find_outside(entry(tiny_model), tiny_model).digests() == {}


# What a plan says.


def test_a_plan_says_what_comes_from_elsewhere(base, tmp_path, hub_cache):
    cache_code(hub_cache, "acme/code")
    name_model_code(base, "acme/code--")
    adapter = make_adapter(base, tmp_path / "adapter")
    assert outside_notes(entry(adapter), adapter) == [
        f"m: an adapter over {base}",
        f"m: runs code of acme/code at {COMMIT}",
    ]
    assert outside_notes(entry(adapter, trust=False), adapter) == [f"m: an adapter over {base}"]
    fill_hub_cache(hub_cache, "acme/base", base)
    named = make_adapter(base, tmp_path / "named", names="acme/base")
    assert outside_notes(entry(named), named)[0] == f"m: an adapter over acme/base at {COMMIT}"


NESTED = {
    "a text": 'AutoModel.from_pretrained("acme/inner")',
    "a name": 'INNER = "acme/inner"\nAutoModel.from_pretrained(INNER, trust_remote_code=True)',
    "a file": 'def load():\n    return hf_hub_download(repo_id="acme/inner", filename="words.txt")',
}


@pytest.mark.parametrize("code", NESTED.values(), ids=NESTED)
def test_a_plan_says_what_code_loads_by_itself(tiny_model, code):
    name_model_code(write_code(tiny_model), "")
    path = tiny_model / "modeling_other.py"
    path.write_text(f'{path.read_text()}\n\n# AutoModel.from_pretrained("acme/told")\nX = "acme/unused"\n{code}\n')
    [note] = outside_notes(entry(tiny_model), tiny_model)
    assert note == "m: its code loads acme/inner by itself: what that gives is no part of its fingerprint"
    assert outside_notes(entry(tiny_model, trust=False), tiny_model) == []


def test_random_weights_are_drawn_for_code_of_another_repository(tiny_model, hub_cache):
    name_model_code(tiny_model, "acme/code--")
    snapshot = cache_code(hub_cache, "acme/code")
    drawn = entry(tiny_model).model_copy(update={"weights": "random"})
    located = Located(tiny_model, "x", "folder")
    found = load_encoder(drawn, located).embed(TEXTS, TextContext())
    move_ref(snapshot, NEWER, {"shift.py": "def shifted(hidden):\n    return hidden\n"})
    assert not np.allclose(load_encoder(drawn, located).embed(TEXTS, TextContext()), found, atol=1e-3)
