from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT

from bench.errors import UsageError
from bench.tasks.card import MAIN_METRICS
from bench.tasks.catalog import read_card

BASE = "name: x\ntype: sts\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "task.yaml"
    path.write_text(text)
    return path


def test_a_card_of_two_keys_has_the_documented_settings(tmp_path):
    card = read_card(written(tmp_path, BASE)).card
    assert (card.name, card.type, card.path, card.splits, card.subsets) == ("x", "sts", Path(), ["test"], None)
    assert (card.ignore_identical_ids, card.allow_empty) == (False, False)


def test_a_card_with_every_key(tmp_path):
    text = (
        "name: shop\ntype: retrieval\ndescription: d\npath: data\nsplits: [dev, test]\nsubsets: [en-de]\n"
        "language: en\nlicence: CC0-1.0\nignore_identical_ids: true\nallow_empty: true\n"
    )
    card = read_card(written(tmp_path, text)).card
    assert (card.path, card.splits, card.subsets, card.ignore_identical_ids) == (
        Path("data"),
        ["dev", "test"],
        ["en-de"],
        True,
    )


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("type: sts\n", ["the key `name` is missing", "add `name: ...`"], 1),
        ("name: x\n", ["the key `type` is missing"], 1),
        ("- 1\n", ["`the file` must be a mapping"], 1),
        ("name: x\ntype: retrival\n", ["`type`", "found 'retrival'", "did you mean `retrieval`?"], 2),
        ("name: ''\ntype: sts\n", ["`name`", "at least 1 character"], 1),
        ("name: 1\ntype: sts\n", ["`name`", "string", "found 1"], 1),
        (BASE + "splts: [a]\n", ["unknown key `splts`", "did you mean `splits`?"], 3),
        (BASE + "license: MIT\n", ["unknown key `license`", "did you mean `licence`?"], 3),
        (BASE + "zzzz: 1\n", ["unknown key `zzzz`", "known keys: allow_empty, "], 3),
        (BASE + "type: sts\n", ["the key `type` stands twice", "first set in line 2"], 3),
        (BASE + "splits: []\n", ["`splits`", "at least 1"], 3),
        (BASE + "splits: test\n", ["`splits`", "list", "found 'test'"], 3),
        (BASE + "splits: [a, a]\n", ["`splits`: `a` stands twice"], 3),
        (BASE + "studies: [control]\n", ["`studies[0]`", "did you mean `controls`?"], 3),
        (BASE + "studies: [controls, controls]\n", ["`studies`: `controls` stands twice"], 3),
        (BASE + "splits:\n- a\n- ../../x\n", ["`splits[1]`", "found '../../x'"], 5),
        (BASE + "splits: ['']\n", ["`splits[0]`"], 3),
        (BASE + "subsets: [.hidden]\n", ["`subsets[0]`", "found '.hidden'"], 3),
        (BASE + "subsets: [b, a, b]\n", ["`subsets`: `b` stands twice"], 3),
        (BASE + "path: 5\n", ["`path`", "found 5"], 3),
        (BASE + "allow_empty: 1\n", ["`allow_empty`", "boolean", "found 1"], 3),
        (BASE + "language: no\n", ["`language`", "string", "found False"], 3),
        (BASE + "main_metric: spearman\n", ["`main_metric`", "no metric `spearman` of this type"], 3),
        (BASE + "shown: [cosine_pearson, cosine_spaerman]\n", ["`shown`", "did you mean `cosine_spearman`?"], 3),
        ("name: x\ntype: retrieval\nmain_metric: ndcg@10\n", ["`main_metric`", "did you mean `ndcg_at_10`?"], 3),
        (
            BASE + "max_loss: 0\n",
            ["`max_loss`", "a loss such as 0.01, or a share of the score such as 2%, not `0.0`"],
            3,
        ),
        (BASE + "max_loss: 2 percent\n", ["`max_loss`", "not `2 percent`"], 3),
        (BASE + "max_loss: [1]\n", ["`max_loss"], 3),
        ("name: x\ntype: mteb\nmteb: Y\n", ["a task of type mteb needs the key `main_metric`"], 1),
    ],
)
def test_a_bad_card(tmp_path, text, words, line):
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_card(path)
    assert caught.value.where == f"{path}, line {line}"
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(("text", "margin"), [("0.02", "0.02"), ("2%", "2%"), ("'0.5 %'", "0.5%")])
def test_a_margin_is_read(tmp_path, text, margin):
    assert read_card(written(tmp_path, BASE + f"max_loss: {text}\n")).card.max_loss == margin


def test_the_shipped_cards_are_read():
    cards = [read_card(path).card for path in [*ROOT.glob("tasks/*/task.yaml"), *ROOT.glob("tasks/*.yaml")]]
    assert {card.type for card in cards} == set(MAIN_METRICS)
    assert all(card.description for card in cards)
