from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support import make_model

from bench.models.fingerprint import Fingerprint, fingerprint, static_width
from bench.models.registry import ModelEntry


def of(folder: Path, **settings: object) -> Fingerprint:
    return fingerprint(ModelEntry(name="m", source=["x"], **settings), folder)


def flip_byte(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def set_key(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


CHANGES = {
    "one byte of the weights": lambda folder: flip_byte(folder / "model.safetensors"),
    "pooling": lambda folder: set_key(folder / "1_Pooling" / "config.json", pooling_mode="cls"),
    "prompts of the model": lambda f: set_key(f / "config_sentence_transformers.json", prompts={"query": "q: "}),
    "max_seq_length of the model": lambda folder: set_key(folder / "sentence_bert_config.json", max_seq_length=7),
    "tokenizer": lambda folder: flip_byte(folder / "tokenizer.json", 40),
    "normalisation": lambda folder: (folder / "modules.json").write_text(
        json.dumps(json.loads((folder / "modules.json").read_text())[:2])
    ),
    "an unknown file": lambda folder: (folder / "extra.json").write_text("{}"),
    "code of its own": lambda folder: (folder / "modeling.py").write_text("x = 1\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_files_that_may_change_a_vector_change_both(tiny_model, change):
    before = of(tiny_model)
    change(tiny_model)
    after = of(tiny_model)
    assert after.model != before.model
    assert after.space != before.space


@pytest.mark.parametrize(
    "settings", [{"max_seq_length": 8}, {"dtype": "float16"}, {"dtype": "bfloat16"}, {"trust_remote_code": True}]
)
def test_settings_that_change_a_vector_change_both(tiny_model, settings):
    before, after = of(tiny_model), of(tiny_model, **settings)
    assert after.model != before.model
    assert after.space != before.space


@pytest.mark.parametrize("prompts", [{"query": "q: "}, {"document": ""}, {"text": "t: "}])
def test_prompts_change_the_model_but_not_the_vector_space(tiny_model, prompts):
    before, after = of(tiny_model), of(tiny_model, prompts=prompts)
    assert after.model != before.model
    assert after.space == before.space


def test_settings_that_do_not_change_a_vector_at_full_width(tiny_model):
    other = of(
        tiny_model, truncate_dims=[8], precisions=["int8"], device="cpu", batch_size=3, kind="mrl", revision="main"
    )
    assert other == of(tiny_model)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "LICENSE",
        ".gitattributes",
        "picture.png",
        "onnx/model.onnx",
        "openvino/openvino_model.bin",
        "checkpoint-500/model.safetensors",
        "eval/scores.csv",
        "pytorch_model.bin",
        ".cache/huggingface/download/model.metadata",
    ],
)
def test_files_that_no_loader_reads_do_not_count(tiny_model, name):
    before = of(tiny_model)
    (tiny_model / name).parent.mkdir(parents=True, exist_ok=True)
    (tiny_model / name).write_text("anything")
    assert of(tiny_model) == before


@pytest.mark.parametrize(
    "name",
    [
        "chat_template.jinja",
        "additional_chat_templates/query.jinja",
        "processor_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "sentencepiece.bpe.model",
    ],
)
def test_what_decides_tokens_counts(tiny_model, name):
    before = of(tiny_model)
    (tiny_model / name).parent.mkdir(exist_ok=True)
    (tiny_model / name).write_text("{}")
    assert of(tiny_model).space != before.space


@pytest.mark.parametrize("folder", ["onnx", "openvino", "checkpoint-500", "coreml/1_Pooling"])
def test_a_modules_folder_counts_whatever_its_name(tiny_model, folder):
    (tiny_model / folder).parent.mkdir(exist_ok=True)
    (tiny_model / "1_Pooling").rename(tiny_model / folder)
    modules = json.loads((tiny_model / "modules.json").read_text())
    modules[1]["path"] = folder
    (tiny_model / "modules.json").write_text(json.dumps(modules))
    before = of(tiny_model)
    set_key(tiny_model / folder / "config.json", pooling_mode="cls")
    assert of(tiny_model).space != before.space


@pytest.mark.parametrize(
    "name",
    ["table.csv", "graph.onnx", "onnx/model.onnx", "NOTICE", "words.log", "pytorch_model.bin", "train_script.py"],
)
def test_beside_code_that_runs_every_file_counts(tiny_model, name):
    set_key(tiny_model / "config.json", auto_map={"AutoModel": "modeling.Own"})
    (tiny_model / "modeling.py").write_text("class Own: ...\n")
    trusted, untrusted = of(tiny_model, trust_remote_code=True), of(tiny_model)
    (tiny_model / name).parent.mkdir(exist_ok=True)
    (tiny_model / name).write_text("anything")
    assert of(tiny_model, trust_remote_code=True).space != trusted.space
    assert of(tiny_model) == untrusted
    counted = of(tiny_model, trust_remote_code=True)
    for left in ("README.md", ".gitattributes", "__pycache__/modeling.pyc", ".cache/huggingface/modeling.metadata"):
        (tiny_model / left).parent.mkdir(parents=True, exist_ok=True)
        (tiny_model / left).write_text("anything")
    assert of(tiny_model, trust_remote_code=True) == counted


def test_pickled_weights_count_where_no_loader_takes_others(tiny_model):
    (tiny_model / "model.safetensors").rename(tiny_model / "model.fp16.safetensors")
    before = of(tiny_model)
    (tiny_model / "pytorch_model.bin").write_bytes(b"weights")
    assert of(tiny_model).space != before.space


def test_a_folder_that_is_whole_keeps_its_fingerprint(tmp_path):
    """Results are kept by it: the values are those of version 0.1.0."""
    files = {
        "config.json": '{"model_type": "bert"}',
        "modules.json": '[{"type": "sentence_transformers.models.Transformer", "path": ""}, '
        '{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]',
        "1_Pooling/config.json": "{}",
        "model.safetensors": "weights",
        "pytorch_model.bin": "the same weights",
        "tokenizer.json": "{}",
        "README.md": "# x",
        "LICENSE": "terms",
        "onnx/model.onnx": "export",
        "eval.csv": "scores",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert of(tmp_path) == Fingerprint("dfb0338563438b31dd9b1e9056292a03", "9c4bb0096f403e6a6293a50f02d36c5e")
    trusted = Fingerprint("edf6c3d6cac73067bd67ee1ce9011296", "bfa918f9894abff5a872360392a0df42")
    assert of(tmp_path, trust_remote_code=True) == trusted
    half = Fingerprint("172a742a083ee7c8f4801e8fa42cd388", "ebe9a7f6a52402f369f60bd65e8e90cb")
    assert of(tmp_path, max_seq_length=8, dtype="float16") == half


def test_the_folders_name_and_the_entrys_name_do_not_count(tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "elsewhere" / "renamed")
    assert fingerprint(ModelEntry(name="other", source=["y"]), copy) == of(tiny_model)


def test_two_models_of_one_name_differ(tmp_path):
    first = make_model(tmp_path / "a" / "model", seed=1)
    second = make_model(tmp_path / "b" / "model", seed=2)
    again = make_model(tmp_path / "c" / "model", seed=1)
    assert of(first).model != of(second).model
    assert of(first) == of(again)


@pytest.mark.parametrize("name", ["1_Pooling/config.json", "model.safetensors"])
def test_what_links_lead_to_counts(tiny_model, tmp_path, name):
    before = of(tiny_model)
    # A folder that a file names may not lie elsewhere; see tests/test_copies.py.
    place = tiny_model / name
    target = tmp_path / "store" / place.name
    target.parent.mkdir()
    place.rename(target)
    place.symlink_to(target)
    assert of(tiny_model) == before
    flip_byte(tiny_model / name)
    assert of(tiny_model).space != before.space


def test_dense_weights_in_a_bin_file_count(tiny_model):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.append(Dense(32, 12))
    model.save(str(tiny_model), create_model_card=False)
    dense = next(tiny_model.glob("*_Dense"))
    (dense / "model.safetensors").unlink()
    torch.save({"linear.weight": torch.ones(12, 32), "linear.bias": torch.zeros(12)}, dense / "pytorch_model.bin")
    before = of(tiny_model)
    torch.save({"linear.weight": torch.eye(12, 32), "linear.bias": torch.ones(12)}, dense / "pytorch_model.bin")
    assert of(tiny_model) != before


POOLINGS = [
    ({"embedding_dimension": 32, "pooling_mode": "mean"}, 32),
    ({"embedding_dimension": 32, "pooling_mode": ["mean", "max"]}, 64),
    ({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}, 32),
    (
        {
            "word_embedding_dimension": 32,
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
        },
        64,
    ),
]


@pytest.mark.parametrize(("pooling", "width"), POOLINGS)
def test_static_width_is_the_width_of_the_loaded_model(tiny_model, pooling, width):
    from sentence_transformers import SentenceTransformer

    (tiny_model / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    assert static_width(tiny_model) == width
    assert SentenceTransformer(str(tiny_model), device="cpu").encode("red pipe").shape == (width,)


def test_static_width_of_a_dense_module(tiny_model):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.append(Dense(32, 12))
    model.save(str(tiny_model / "dense"), create_model_card=False)
    assert static_width(tiny_model / "dense") == 12


def modules(folder: Path, *kinds: str) -> None:
    (folder / "modules.json").write_text(
        json.dumps([{"idx": i, "path": f"{i}_{kind}", "type": f"some.package.{kind}"} for i, kind in enumerate(kinds)])
    )


@pytest.mark.parametrize(
    "kinds", [["WordEmbeddings"], ["Transformer", "Pooling", "Mystery"], ["Transformer"], ["Pooling"]]
)
def test_static_width_is_unknown_where_the_configuration_does_not_say(tmp_path, kinds):
    modules(tmp_path, *kinds)
    for kind in ["WordEmbeddings", "Mystery"]:
        for folder in tmp_path.glob(f"*_{kind}"):
            (folder / "config.json").write_text('{"out_features": 5}')
    assert static_width(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content", "width"),
    [
        ("config.json", '{"hidden_size": 24}', 24),
        ("config.json", '{"hidden_size": "24"}', None),
        ("config.json", "{", None),
        ("config.json", "[]", None),
        ("README.md", "", None),
        ("modules.json", "[]", None),
    ],
)
def test_static_width_of_a_folder_without_modules(tmp_path, name, content, width):
    (tmp_path / name).write_text(content)
    assert static_width(tmp_path) == width


def test_static_width_of_a_broken_modules_file(tmp_path):
    (tmp_path / "modules.json").write_text('["Transformer"]')
    assert static_width(tmp_path) is None


def test_other_safetensors_do_not_hide_pickled_weights(tmp_path):
    from bench.models.folders.weights import weight_files

    for name in ("pytorch_model.bin", "sparse_linear.safetensors"):
        (tmp_path / name).write_bytes(b"weights")
    assert [path.name for path in weight_files(tmp_path)] == ["pytorch_model.bin", "sparse_linear.safetensors"]
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert [path.name for path in weight_files(tmp_path)] == ["model.safetensors", "sparse_linear.safetensors"]
