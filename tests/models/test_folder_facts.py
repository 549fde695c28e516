"""What the files of a model's folder show."""

from __future__ import annotations

import json

import pytest
from hub_folders import COMMIT, fill_hub_cache

from bench.errors import BenchError
from bench.models.entries.folder_facts import hub_snapshot, read_facts


def facts(folder):
    return read_facts(folder, "model `m`")


def add_to(path, **keys):
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **keys}))


def test_a_plain_folder(tiny_model):
    found = facts(tiny_model)
    assert (found.width, found.kind, found.truncate_dims, found.own_code) == (32, "pretrained", (), False)
    assert (found.licence, found.origins, found.hub_id, found.commit) == (None, (), None, None)


CARD = """---
base_model: BAAI/bge-base-en-v1.5
license: mit
tags:
- generated_from_trainer
- loss:MatryoshkaLoss
---
# A card
* Loss: [<code>MatryoshkaLoss</code>] with these parameters:
  ```json
  {
      "loss": "MultipleNegativesRankingLoss",
      "matryoshka_dims": [
          8,
          32,
          16
      ],
      "n_dims_per_step": -1
  }
  ```
"""


def test_a_card_that_sentence_transformers_wrote(tiny_model):
    (tiny_model / "README.md").write_text(CARD)
    found = facts(tiny_model)
    assert (found.kind, found.truncate_dims, found.licence) == ("mrl", (32, 16, 8), "mit")
    assert found.origins == ("base_model BAAI/bge-base-en-v1.5 (README.md)",)
    (tiny_model / "README.md").write_text(CARD.replace("- loss:MatryoshkaLoss\n", ""))
    assert facts(tiny_model).kind == "fine-tuned"


@pytest.mark.parametrize("front", ["- a", "a: [", "&a [*a]", "\xff", "base_model: 3", ""])
def test_a_card_that_says_nothing_is_no_error(tiny_model, front):
    (tiny_model / "README.md").write_text(f"---\n{front}\n---\n", encoding="latin-1")
    found = facts(tiny_model)
    assert (found.kind, found.origins, found.licence) == ("pretrained", (), None)


def test_dimensions_in_the_configuration(tiny_model):
    add_to(tiny_model / "config.json", matryoshka_dimensions=[8, 16])
    assert facts(tiny_model).truncate_dims == (16, 8)
    add_to(tiny_model / "config.json", matryoshka_dimensions=["x", 0, -1, True])
    assert facts(tiny_model).truncate_dims == ()


def test_the_tokenizers_options_outrank_the_configurations(tiny_model):
    add_to(tiny_model / "config.json", padding_side="right", vector_dim=3)
    add_to(tiny_model / "tokenizer_config.json", padding_side="left")
    found = facts(tiny_model)
    assert (found.options["padding_side"], found.options["vector_dim"]) == ("left", 3)


def test_the_token_limit_and_origins_of_configurations(tiny_model):
    add_to(tiny_model / "sentence_bert_config.json", max_seq_length=77)
    add_to(tiny_model / "config.json", _name_or_path="org/base")
    found = facts(tiny_model)
    assert (found.max_seq_length, found.origins) == (77, ("_name_or_path org/base (config.json)",))
    add_to(tiny_model / "config.json", _name_or_path="./")
    assert facts(tiny_model).origins == ()


def test_code_of_its_own(tiny_model):
    add_to(tiny_model / "config.json", auto_map={"AutoModel": "modeling.Mine"})
    assert facts(tiny_model).own_code


def test_a_module_of_its_own(tiny_model):
    modules = json.loads((tiny_model / "modules.json").read_text())
    modules[0]["type"] = "custom_st.Transformer"
    (tiny_model / "modules.json").write_text(json.dumps(modules))
    assert facts(tiny_model).own_code


def test_a_snapshot_in_the_hubs_cache(tmp_path, tiny_model):
    snapshot = fill_hub_cache(tmp_path / "hub", "org/some-name", tiny_model, COMMIT)
    assert hub_snapshot(snapshot) == ("org/some-name", COMMIT)
    assert hub_snapshot(snapshot / "1_Pooling") == ("org/some-name", COMMIT)
    assert (facts(snapshot).hub_id, facts(snapshot).commit) == ("org/some-name", COMMIT)
    assert hub_snapshot(fill_hub_cache(tmp_path / "old", "gpt2", tiny_model, COMMIT)) == ("gpt2", COMMIT)
    assert hub_snapshot(tiny_model) == (None, None)


def test_broken_configurations_are_errors(tiny_model):
    (tiny_model / "config_sentence_transformers.json").write_text("{")
    with pytest.raises(BenchError, match="broken JSON"):
        facts(tiny_model)
