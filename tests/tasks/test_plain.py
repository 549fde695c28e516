"""`strip_html: true` in the card of every layout."""

from __future__ import annotations

import pytest
from support import write_beir, write_jsonl

from bench.errors import BenchError
from bench.tasks.card import TaskCard
from bench.tasks.data import PairData, RetrievalData, pair_ids
from bench.tasks.plain import markup_found
from bench.tasks.sources import Sources


def load(folder, **card):
    return Sources(TaskCard.model_validate({"name": "x", "path": folder, **card}), folder).load("test", "default").data


def test_a_beir_folder_and_pairs_are_read_without_markup(tmp_path):
    write_beir(
        tmp_path / "beir",
        {"d1": "<h1>One</h1><p>two</p>", "d2": "plain  text"},
        {"q1": "what &amp; why"},
        [("q1", "d1", 1)],
    )
    data = load(tmp_path / "beir", type="retrieval", strip_html=True)
    assert isinstance(data, RetrievalData)
    assert (data.documents, data.queries) == (["One two", "plain  text"], ["what & why"])
    assert list(markup_found(data)) == []
    assert list(markup_found(load(tmp_path / "beir", type="retrieval"))) == [
        "1 of 2 documents (50%) hold HTML, such as '<h1>One</h1><p>two</p>'",
        "1 of 1 queries (100%) hold HTML, such as 'what &amp; why'",
    ]
    rows = [{"sentence1": "<b>a</b>", "sentence2": "b", "score": n} for n in (1, 2)]
    write_jsonl(tmp_path / "pairs" / "test.jsonl", rows)
    pairs = load(tmp_path / "pairs", type="sts", strip_html=True)
    assert isinstance(pairs, PairData)
    assert pairs.sentences1 == ["a", "a"]
    assert pairs.ids == pair_ids(["a", "a"], ["b", "b"], [1.0, 2.0])


def test_a_text_of_markup_alone_is_refused_by_name(tmp_path):
    write_beir(tmp_path, {"d1": "x", "d2": "<hr>"}, {"q1": "q"}, [("q1", "d1", 1)])
    with pytest.raises(BenchError, match="the document `d2` holds markup alone"):
        load(tmp_path, type="retrieval", strip_html=True)
    assert load(tmp_path, type="retrieval", strip_html=True, allow_empty=True).documents == ["x", ""]


def test_mtebs_own_texts_stay_as_they_are():
    with pytest.raises(ValueError, match="has no `strip_html`"):
        TaskCard(name="x", type="mteb", mteb="Banking77Classification", main_metric="accuracy", strip_html=True)
