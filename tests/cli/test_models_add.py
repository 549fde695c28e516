"""`bench models add`: entries from folders and from mteb's metadata, written into a file that stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hub_folders import COMMIT, fill_hub_cache

from bench.cli import run_cli
from bench.models.registry import ModelEntry
from bench.models.registry_file import load_registry

pytest.importorskip("mteb")

SHOP = """# Ours.
defaults:
  truncate_dims: [384, 192, 96, 48]   # of MiniLM

models:
  - name: old
    source: ./old   # stays
run: [old]
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def add(*words: str, status: int = 0) -> None:
    assert run_cli(["models", "add", *words]) == status


def added(name: str, path: str = "models.yaml") -> ModelEntry:
    (entry,) = load_registry(Path(path)).select([name])
    return entry


def test_a_folder(tmp_path, tiny_model, capsys):
    (tmp_path / "models.yaml").write_text(SHOP)
    add("./tiny")
    entry = added("tiny")
    assert (entry.source, entry.truncate_dims, entry.prompts) == (["./tiny"], [32, 16, 8, 4], {})
    text = (tmp_path / "models.yaml").read_text()
    assert text.replace(text[text.index("\n\n  - name: tiny") + 1 : text.index("run:")], "") == SHOP
    out = capsys.readouterr().out
    assert "fractions of it that `defaults` takes of 384" in out
    assert "run it with: bench run --model tiny --tasks hardware_store" in out


def test_a_public_model_that_is_not_here(tmp_path, capsys):
    add("intfloat/multilingual-e5-large-instruct")
    text = (tmp_path / "models.yaml").read_text()
    assert yaml.safe_load(text) == {
        "models": [
            {
                "name": "multilingual-e5-large-instruct",
                "source": "intfloat/multilingual-e5-large-instruct",
                "revision": "baa7be480a7de1539afce709c8f13f833a510e0a",
                "prompts": {"query": "Instruct: {instruction}\nQuery: "},
            }
        ]
    }
    assert "# intfloat/multilingual-e5-large-instruct: mit, 560,000,000 parameters (mteb " in text
    assert "# mteb (InstructSentenceTransformerModel): a template" in text and "documents get none" in text
    assert "it downloads the model" in capsys.readouterr().out


def test_all_kinds_of_keys(tmp_path):
    for model in (
        "jinaai/jina-embeddings-v3", "nomic-ai/nomic-embed-text-v1.5", "BMRetriever/BMRetriever-410M",
        "nvidia/NV-Embed-v2", "jinaai/jina-embeddings-v5-text-nano", "sentence-transformers/multi-qa-mpnet-base-dot-v1",
    ):  # fmt: skip
        add(model)
    entries = {entry.name: entry for entry in load_registry(tmp_path / "models.yaml").models}
    jina = entries["jina-embeddings-v3"]
    assert (jina.task["STS"], jina.trust_remote_code) == ("text-matching", True)
    nomic = entries["nomic-embed-text-v1.5"]
    assert (nomic.layer_norm, nomic.prompts["Clustering"]) == (True, "clustering: ")
    retriever = entries["BMRetriever-410M"]
    assert (retriever.pooling, retriever.padding_side, retriever.add_eos_token) == ("lasttoken", "left", True)
    assert (entries["NV-Embed-v2"].max_seq_length, entries["NV-Embed-v2"].instruct_documents) == (32768, True)
    assert entries["jina-embeddings-v5-text-nano"].truncate_dims == [768, 512, 256, 128, 64, 32]
    assert entries["multi-qa-mpnet-base-dot-v1"].similarity == "dot"


def test_a_folder_and_the_hub_id_that_it_is_of(tiny_model):
    add("./tiny", "intfloat/e5-base", "--name", "e5")
    entry = added("e5")
    assert (entry.source, entry.prompts) == (
        ["./tiny", "intfloat/e5-base"],
        {"query": "query: ", "document": "passage: "},
    )
    # The folder need not be that commit.
    assert entry.revision is None


def test_a_folder_named_like_a_public_model_is_not_taken_for_it(tmp_path, tiny_model, capsys):
    tiny_model.rename(tmp_path / "e5-base")
    add("e5-base")
    assert (added("e5-base").source, added("e5-base").prompts) == (["./e5-base"], {})
    assert "mteb knows intfloat/e5-base; if this is that model, name it as a second source" in capsys.readouterr().out


def test_what_the_folder_states_is_shown_and_not_repeated(tiny_model, capsys):
    stated = {"query": "q: ", "s2p_query": "search: ", "document": ""}
    (tiny_model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": stated, "truncate_dim": 8}))
    add("./tiny")
    assert added("tiny").prompts == {}
    out = " ".join(capsys.readouterr().out.replace("# ", "").split())
    assert 'config_sentence_transformers.json states prompts, which are used: query "q: "' in out
    assert 'for no role or type of task: s2p_query "search: "' in out
    assert "states truncate_dim 8" in out


def test_mtebs_prompts_replace_those_of_the_folder(tmp_path, tiny_model, hub_cache):
    stated = {"query": "old: ", "passage": "text: ", "STS": "compare: "}
    (tiny_model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": stated}))
    fill_hub_cache(hub_cache, "BAAI/bge-base-zh-v1.5", tiny_model, COMMIT)
    add("BAAI/bge-base-zh-v1.5")
    entry = added("bge-base-zh-v1.5")
    assert entry.prompts["query"].startswith("为这个句子")
    assert (entry.prompts["document"], entry.prompts["STS"]) == ("", "")
    text = (tmp_path / "models.yaml").read_text()
    assert f"the Hub's cache has {COMMIT}" in " ".join(text.replace("# ", "").split())
    assert entry.revision is None


def test_a_snapshot_in_the_hubs_cache(tmp_path, tiny_model, hub_cache, capsys):
    snapshot = fill_hub_cache(hub_cache, "intfloat/e5-base", tiny_model, "b533fe4636f4a2507c08ddab40644d20b0006d6a")
    add(str(snapshot), "--name", "by path")
    assert added("by path").prompts == {"query": "query: ", "document": "passage: "}
    assert "a snapshot of intfloat/e5-base in the Hub's cache" in capsys.readouterr().out
    add("intfloat/e5-base")
    assert added("e5-base").revision == "b533fe4636f4a2507c08ddab40644d20b0006d6a"


def test_a_package(tmp_path, tiny_model, monkeypatch):
    package = tmp_path / "site" / "carrier_of_a_model"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    tiny_model.rename(package / "model")
    monkeypatch.syspath_prepend(tmp_path / "site")
    add("package:carrier_of_a_model", "hub:sentence-transformers/all-MiniLM-L6-v2")
    entry = added("all-MiniLM-L6-v2")
    assert entry.source == ["package:carrier_of_a_model", "hub:sentence-transformers/all-MiniLM-L6-v2"]


def test_a_file_elsewhere_gets_paths_that_start_there(tmp_path, tiny_model):
    (tmp_path / "deep").mkdir()
    add("tiny", "--models", "deep/ours.yaml")
    assert added("tiny", "deep/ours.yaml").source == ["../tiny"]
    add(str(tiny_model), "--models", "deep/ours.yaml", "--name", "absolute")
    assert added("absolute", "deep/ours.yaml").source == [str(tiny_model)]


def test_a_card_with_matryoshka_dimensions(tiny_model):
    (tiny_model / "README.md").write_text(
        '---\ntags: [generated_from_trainer, "loss:MatryoshkaLoss"]\n---\n"matryoshka_dims": [16, 8]\n'
    )
    add("tiny")
    entry = added("tiny")
    assert (entry.kind, entry.truncate_dims) == ("mrl", [32, 16, 8])


def test_dimensions_by_hand(tiny_model, capsys):
    add("tiny", "--truncate-dims", "24,12")
    assert added("tiny").truncate_dims == [24, 12]
    add("tiny", "--truncate-dims", "64", "--name", "wider", status=2)
    says(capsys, "it has 32 dimensions, not 64")


def test_a_pooling_is_for_folders_that_state_none(tiny_model):
    model = "BMRetriever/BMRetriever-410M"
    add("tiny", model, "--name", "whole")
    assert added("whole").pooling is None
    (tiny_model / "modules.json").unlink()
    add("tiny", model, "--name", "plain")
    assert added("plain").pooling == "lasttoken"


def test_code_of_the_folder_is_never_allowed_by_itself(tiny_model, capsys):
    config = tiny_model / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "auto_map": {"AutoModel": "m.M"}}))
    add("tiny")
    assert added("tiny").trust_remote_code is False
    assert "read it, then set `trust_remote_code: true`" in capsys.readouterr().out
    add("tiny", "nomic-ai/nomic-embed-text-v1", "--name", "nomic")
    assert added("nomic").trust_remote_code is True


@pytest.mark.parametrize("flag", ["--print", "--dry-run"])
def test_print_writes_nothing(tmp_path, capsys, flag):
    (tmp_path / "models.yaml").write_text(SHOP)
    add("intfloat/e5-base", flag)
    assert (tmp_path / "models.yaml").read_text() == SHOP
    (entry,) = yaml.safe_load(capsys.readouterr().out)
    assert entry["prompts"] == {"query": "query: ", "document": "passage: "}


def test_texts_of_others_stay_in_their_comments(tiny_model, capsys):
    (tiny_model / "README.md").write_text(
        '---\nlicense: "mit\\n- name: evil"\nbase_model: "a\\u2028- name: evil"\n---\n'
    )
    prompts = {"query": "a\n- b: c\u2028\x85# 'd' \\ \"e\""}
    (tiny_model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    add("tiny")
    assert [entry.name for entry in load_registry(Path("models.yaml")).models] == ["tiny"]


def test_a_name_that_yaml_would_read_otherwise(tiny_model):
    for name in ("on", "1.5", "a: b", "- x", "#1", "é ü"):
        add("tiny", "--name", name)
        assert added(name).name == name


def says(capsys, *words: str) -> None:
    err = capsys.readouterr().err
    for word in words:
        assert word in err


def test_what_is_refused(tmp_path, tiny_model, capsys):
    (tmp_path / "models.yaml").write_text(SHOP)
    add("tiny", "--name", "old", status=2)
    says(capsys, "a model named `old` is in models.yaml already", "--name")
    add("BAAI/bge-base-en-v15", status=2)
    says(
        capsys, "neither the Hub's cache nor the installed mteb", "did you mean `BAAI/bge-base-en-v1.5`?", "hf download"
    )
    add("./nowhere", status=1)
    says(capsys, "no folder", "nowhere")
    add("package:not_there_at_all", status=1)
    says(capsys, "not installed")
    add("tiny", "--name", "x" * 300, status=2)
    says(capsys, "cannot name a model")
    add("tiny", "--truncate-dims", "x", status=2)
    says(capsys, "--truncate-dims")
    assert (tmp_path / "models.yaml").read_text() == SHOP
    for text, words in (
        ("models: [\n", "not valid YAML"),
        ("models:\n  - nmae: x\n", "unknown key"),
        ("models: [{name: a, source: b}]\n", "in brackets"),
    ):
        (tmp_path / "models.yaml").write_text(text)
        add("tiny", status=2)
        says(capsys, words)
        assert (tmp_path / "models.yaml").read_text() == text


def test_a_name_of_an_included_file_is_taken(tmp_path, tiny_model, capsys):
    (tmp_path / "more.yaml").write_text("models:\n  - {name: tiny, source: x}\n")
    (tmp_path / "models.yaml").write_text("include: more.yaml\n")
    add("tiny", status=2)
    says(capsys, "a model named `tiny` is in")
    add("tiny", "--name", "other")
    assert added("other").source == ["./tiny"]


def test_a_folder_without_weights_is_refused(tmp_path, tiny_model, capsys):
    (tiny_model / "model.safetensors").unlink()
    add("tiny", status=1)
    says(capsys, "no weights in")
    assert not (tmp_path / "models.yaml").exists()


def test_a_file_that_changes_meanwhile_is_left_alone(tmp_path, tiny_model):
    from bench.errors import BenchError
    from bench.models.entries.adding import new_model

    (tmp_path / "models.yaml").write_text(SHOP)
    new = new_model(["tiny"], Path("models.yaml"))
    (tmp_path / "models.yaml").write_text(SHOP + "# later\n")
    with pytest.raises(BenchError, match="was changed"):
        new.write()


def test_without_mteb_the_folder_alone_counts(tiny_model, hub_cache, monkeypatch, capsys):
    monkeypatch.setattr("bench.models.entries.adding.mteb_version", lambda: None)
    add("intfloat/e5-base", status=2)
    says(capsys, "nor mteb, which is not installed,")
    fill_hub_cache(hub_cache, "intfloat/e5-base", tiny_model, COMMIT)
    add("intfloat/e5-base")
    assert added("e5-base").prompts == {}
    assert "mteb is not installed: what it says of this model is not in here" in capsys.readouterr().out


def test_the_list_is_still_there(tmp_path, tiny_model, capsys):
    add("tiny")
    capsys.readouterr()
    assert run_cli(["models"]) == 0
    assert "./tiny" in capsys.readouterr().out
    assert run_cli(["models", "--models", "models.yaml"]) == 0


def test_the_plan_warns_until_the_entry_is_complete(tmp_path, tiny_model, hub_cache, capsys):
    fill_hub_cache(hub_cache, "intfloat/e5-base", tiny_model, COMMIT)
    (tmp_path / "models.yaml").write_text("models:\n  - {name: bare, source: intfloat/e5-base}\n")
    words = ["run", "--dry-run", "--no-cost", "--tasks", "hardware_store"]
    assert run_cli(words) == 0
    assert "`bench models add intfloat/e5-base --print`" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "models.yaml").unlink()
    add("intfloat/e5-base")
    capsys.readouterr()
    assert run_cli(words) == 0
    assert "models add" not in capsys.readouterr().out
