from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT

from bench.errors import UsageError
from bench.models.registry import BASELINES, ModelEntry, Registry, adhoc_entry
from bench.models.registry_file import load_registry

ENTRY = "models:\n  - name: a\n    source: ./x\n"


def load(tmp_path: Path, text: str) -> Registry:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    return load_registry(path)


def only(tmp_path: Path, text: str) -> ModelEntry:
    [entry] = load(tmp_path, text).models
    return entry


def test_the_shipped_registry_is_read():
    registry = load_registry(ROOT / "models.yaml")
    assert registry.models
    assert {entry.source[0] for entry in registry.models if entry.kind == "baseline"} <= set(BASELINES)


def test_an_entry_of_two_keys_has_the_documented_settings(tmp_path):
    entry = only(tmp_path, ENTRY)
    assert (entry.kind, entry.source, entry.base_dir) == ("pretrained", ["./x"], tmp_path.resolve())
    assert (entry.truncate_dims, entry.precisions, entry.dtype) == (None, ["float32"], "float32")
    assert (entry.device, entry.batch_size, entry.trust_remote_code) == ("auto", "auto", False)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("truncate_dim: [8]", ["unknown key `truncate_dim`", "did you mean `truncate_dims`?"]),
        ("precision: [int8]", ["unknown key `precision`", "did you mean `precisions`?"]),
        ("zzzz: 1", ["unknown key `zzzz`", "known keys: ", "truncate_dims, trust_remote_code"]),
        ('truncate_dims: ["384"]', ["`models[0].truncate_dims[0]`", "integer", "found '384'"]),
        ("truncate_dims: [8, true]", ["`models[0].truncate_dims[1]`", "integer", "found True"]),
        ("truncate_dims: [-8]", ["`models[0].truncate_dims[0]`", "greater than 0", "found -8"]),
        ("truncate_dims: [0]", ["greater than 0", "found 0"]),
        ("truncate_dims: [8.0]", ["integer", "found 8.0"]),
        ("truncate_dims: 384", ["`models[0].truncate_dims`", "list", "found 384"]),
        ("truncate_dims: []", ["`models[0].truncate_dims`", "at least 1"]),
        ("truncate_dims: [8, 4, 8]", ["`models[0].truncate_dims`: duplicate value: 8"]),
        ("precisions: [int8, int8]", ["`models[0].precisions`: duplicate value: int8"]),
        ("precisions: [int4]", ["`models[0].precisions[0]`", "found 'int4'", "did you mean `int8`?"]),
        ("kind: finetuned", ["`models[0].kind`", "'mrl'", "found 'finetuned'", "did you mean `fine-tuned`?"]),
        ("kind: foo", ["`models[0].kind`", "'pretrained'", "found 'foo'"]),
        ("dtype: fp16", ["`models[0].dtype`", "'float16'", "found 'fp16'"]),
        ("device: gpu", ["`models[0].device`", "cuda", "found 'gpu'"]),
        ("batch_size: 0", ["`models[0].batch_size`", "greater than 0", "found 0"]),
        ("batch_size: 1.5", ["`models[0].batch_size`", "found 1.5", "'auto'"]),
        ("max_seq_length: 0", ["`models[0].max_seq_length`", "greater than 0"]),
        ("max_seq_length: .inf", ["`models[0].max_seq_length`", "integer", "found inf"]),
        ("sha256: abc", ["`models[0].sha256`: must be 64 hexadecimal digits"]),
        (f"sha256: {'g' * 64}", ["must be 64 hexadecimal digits"]),
        (f"sha256: '{'0' * 65}'", ["must be 64 hexadecimal digits"]),
        ("sha256: 1234", ["`models[0].sha256`", "string", "found 1234"]),
        ("revision: 123", ["`models[0].revision`", "string", "found 123"]),
        ("revision: 2024-01-01", ["`models[0].revision`", "string"]),
        ("trust_remote_code: 'yes'", ["`models[0].trust_remote_code`", "boolean", "found 'yes'"]),
        ("prompts: {querry: x}", ["unknown key `querry`", "did you mean `query`?"]),
        ("prompts: x", ["`models[0].prompts` must be a mapping"]),
        ("source: ./y", ["the key `source` stands twice", "first set in line 3"]),
    ],
)
def test_a_bad_key_of_an_entry(tmp_path, key, words):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"{ENTRY}    {key}\n")
    assert caught.value.where == f"{tmp_path / 'models.yaml'}, line 4"
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("models: []\n", ["`models`", "at least 1"], 1),
        ("defaults: {}\nmodels:\n", ["`models`", "list", "found None"], 2),
        ("models: {a: {source: x}}\n", ["`models`", "list"], 1),
        ("models: [5]\n", ["`models[0]` must be a mapping"], 1),
        ("defaults: {}\n", ["the key `models` is missing, and nothing is included"], 1),
        ("- name: a\n  source: x\n", ["`the file` must be a mapping"], 1),
        ("defualts: {}\n" + ENTRY, ["unknown key `defualts`", "did you mean `defaults`?"], 1),
        ("defaults: {truncate_dim: [8]}\n" + ENTRY, ["unknown key `truncate_dim`", "`truncate_dims`?"], 1),
        ("defaults: {name: x}\n" + ENTRY, ["unknown key `name`", "known keys"], 1),
        ("defaults:\n" + ENTRY, ["`defaults` must be a mapping"], 1),
        ("tasks: []\n" + ENTRY, ["`tasks`", "at least 1"], 1),
        ("tasks: [shop, 5]\n" + ENTRY, ["`tasks[1]`", "string", "found 5"], 1),
        ("base_dir: /etc\n" + ENTRY, ["unknown key `base_dir`"], 1),
        ('models:\n  - name: a\n    source: "a\\0b"\n', ["`models[0].source`"], 3),
        ("tasks: x\n" + ENTRY, ["`tasks`", "list", "found 'x'"], 1),
        ("models:\n  - source: x\n", ["the key `name` is missing in `models[0]`"], 2),
        ("models:\n  - name: x\n", ["`models[0]`: `source` is missing", "`recipe`"], 2),
        ("models:\n  - name: ''\n    source: x\n", ["`models[0].name`", "at least 1 character"], 2),
        ("models:\n  - name: yes\n    source: x\n", ["`models[0].name`", "string", "found True"], 2),
        ("models:\n  - name: 2020-01-01\n    source: x\n", ["`models[0].name`", "string"], 2),
        ('models:\n  - name: "a\\nb"\n    source: x\n', ["`models[0].name`"], 2),
        ("models:\n  - name: a\n    source: []\n", ["`models[0].source`", "at least 1"], 3),
        ("models:\n  - name: a\n    source: ' '\n", ["`models[0].source`: a source must not be empty"], 3),
        ("models:\n  - name: a\n    source: [./x, '']\n", ["a source must not be empty"], 3),
        (ENTRY + "  - name: a\n    source: y\n", ["the model name `a` stands twice", "line 2", "unique"], 4),
        ("models:\n  - {name: b, kind: baseline, source: bm25}\n", ["`source` of a baseline must be one of: bm25s"], 2),
        ("models:\n  - {name: b, kind: baseline, source: [bm25s, bm25s]}\n", ["must be one of: bm25s"], 2),
        (
            "models:\n  - {name: b, kind: baseline, source: bm25s, truncate_dims: [8]}\n",
            ["a baseline has no vectors", "`truncate_dims`"],
            2,
        ),
        ("models:\n  - {name: b, source: x, base_dir: /etc}\n", ["unknown key `base_dir`"], 2),
    ],
)
def test_a_bad_registry(tmp_path, text, words, line):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'models.yaml'}, line {line}"
    for word in words:
        assert word in str(caught.value)


def test_several_faults_are_listed_at_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, ENTRY + "    truncate_dim: [8]\n  - source: y\n    dtype: fp16\n")
    for part in [
        "line 4: unknown key `truncate_dim`",
        "line 5: the key `name` is missing",
        "line 6: `models[1].dtype`",
    ]:
        assert part in str(caught.value)


def test_the_hint_lists_only_keys_that_are_allowed(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"{ENTRY}    zzzz: 1\n")
    assert "base_dir" not in caught.value.hint


def test_defaults_are_merged_and_the_entry_wins(tmp_path):
    first, second = load(
        tmp_path,
        "defaults: {truncate_dims: [8, 4], precisions: [int8], prompts: {query: 'q: '}, dtype: float16}\n"
        "models:\n"
        "  - {name: a, source: x}\n"
        "  - {name: b, source: x, truncate_dims: [2], prompts: {document: 'd: '}, dtype: float32}\n",
    ).models
    assert (first.truncate_dims, first.precisions, first.prompts, first.dtype) == (
        [8, 4],
        ["int8"],
        {"query": "q: "},
        "float16",
    )
    assert (second.truncate_dims, second.precisions, second.dtype) == ([2], ["int8"], "float32")
    assert second.prompts == {"document": "d: "}


def test_an_entry_can_take_a_default_back(tmp_path):
    entry = only(tmp_path, "defaults: {truncate_dims: [8]}\nmodels: [{name: a, source: x, truncate_dims: null}]\n")
    assert entry.truncate_dims is None


def test_defaults_do_not_reach_baselines(tmp_path):
    entry = only(
        tmp_path, "defaults: {truncate_dims: [8], dtype: float16}\nmodels: [{name: b, kind: baseline, source: bm25s}]"
    )
    assert (entry.truncate_dims, entry.dtype) == (None, "float32")


def test_sha256_is_compared_in_lower_case(tmp_path):
    assert only(tmp_path, f"{ENTRY}    sha256: {'AB' * 32}\n").sha256 == "ab" * 32


def test_select_keeps_the_order_of_the_registry(tmp_path):
    registry = load(tmp_path, "models: [{name: a, source: x}, {name: b, source: x}, {name: c, source: x}]")
    assert [entry.name for entry in registry.select(["c", "a"])] == ["a", "c"]
    assert registry.select([]) == registry.models


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("all-minilm", "did you mean `all-MiniLM`?"),
        ("zzzz", "known models: all-MiniLM, bm25"),
        ("../../x", "known models"),
    ],
)
def test_select_an_unknown_name(tmp_path, name, hint):
    registry = load(tmp_path, "models: [{name: all-MiniLM, source: x}, {name: bm25, kind: baseline, source: bm25s}]")
    with pytest.raises(UsageError, match="no model named") as caught:
        registry.select([name])
    assert f"`{name}`" in caught.value.message
    assert hint in caught.value.hint


def test_an_adhoc_entry_starts_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry = adhoc_entry("./my-model")
    assert (entry.name, entry.source, entry.base_dir) == ("./my-model", ["./my-model"], tmp_path)


@pytest.mark.parametrize("name", ["", "./" + "x" * 200, "./a\nb", "./a\x00b"])
def test_an_adhoc_entry_of_an_impossible_name(name):
    with pytest.raises(UsageError, match="cannot name a model") as caught:
        adhoc_entry(name)
    assert len(caught.value.message) < 200


def test_a_missing_registry(tmp_path):
    with pytest.raises(UsageError, match="no such file") as caught:
        load_registry(tmp_path / "models.yaml")
    assert caught.value.where == str(tmp_path / "models.yaml")


def test_tasks_of_the_registry(tmp_path):
    registry = load(tmp_path, "tasks: [shop, ./mine]\n" + ENTRY)
    assert (registry.tasks, registry.base_dir) == (["shop", "./mine"], tmp_path.resolve())
    assert load(tmp_path, ENTRY).tasks is None
