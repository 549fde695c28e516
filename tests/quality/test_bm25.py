from __future__ import annotations

from importlib import metadata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import WORDS

from bench.errors import BenchError
from bench.models.registry import ModelEntry
from bench.quality.bm25 import Bm25, baseline_fingerprint, script_tokens

ENTRY = ModelEntry(name="bm25", kind="baseline", source=["bm25s"])
DOCUMENTS = ["red pipes and a valve", "the blue pipe", "steel nails, steel screws", "a red red door hinge", "lamp"]
QUERIES = ["red pipe", "steel screw for the door", "valves"]


def scores(documents: list[str], queries: list[str]) -> np.ndarray:
    return np.vstack([block.scores for block in Bm25(documents).blocks(queries)])


def own_scores(documents: list[str], query: str) -> np.ndarray:
    """The scores of bm25s with MTEB's settings, by its own retrieve."""
    import bm25s
    import Stemmer

    settings_ = {"stopwords": "en", "stemmer": Stemmer.Stemmer("english"), "show_progress": False}
    index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    index.index(bm25s.tokenize(documents, **settings_), show_progress=False)
    rows, values = index.retrieve(bm25s.tokenize([query], **settings_), k=len(documents), show_progress=False)
    found = np.zeros(len(documents), dtype=np.float32)
    found[rows[0]] = values[0]
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_scores_are_those_of_bm25s(query):
    found = scores(DOCUMENTS, [query])[0]
    expected = own_scores(DOCUMENTS, query)
    assert (expected > 0).any()
    np.testing.assert_allclose(np.where(np.isinf(found), 0, found), expected, rtol=1e-6)


def test_blocks_cover_every_query_and_document_once():
    blocks = list(Bm25(DOCUMENTS).blocks(QUERIES))
    assert [block.queries for block in blocks] == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert all(block.scores.shape == (1, 5) and block.scores.dtype == np.float32 for block in blocks)


@pytest.mark.parametrize(
    ("query", "ranked"),
    [("lamp", [4]), ("pipe", [0, 1]), ("steel lamps", [2, 4]), ("zebra", []), ("the and a", []), ("", [])],
)
def test_a_document_that_shares_no_word_is_not_ranked(query, ranked):
    found = scores(DOCUMENTS, [query])[0]
    assert np.flatnonzero(np.isfinite(found)).tolist() == ranked
    assert np.isneginf(np.delete(found, ranked)).all()


BAGS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), min_size=2, max_size=8)


@settings(deadline=None, max_examples=30)
@given(BAGS, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.randoms())
def test_a_score_does_not_depend_on_the_order_of_documents(bags, query, random):
    order = list(range(len(bags)))
    random.shuffle(order)
    texts = [" ".join(bag) for bag in bags]
    plain = scores(texts, [" ".join(query)])[0]
    shuffled = scores([texts[row] for row in order], [" ".join(query)])[0]
    np.testing.assert_allclose(shuffled, plain[order], rtol=1e-6)


@pytest.mark.parametrize("documents", [["the", "a of"], ["", "?"]])
def test_documents_without_a_word(documents):
    with pytest.raises(BenchError, match="no document has a word left") as caught:
        Bm25(documents)
    assert caught.value.where == "baseline bm25s"
    assert scores([*documents, "pipe"], ["pipe"])[0][2] > 0


CHINESE = ["我喜欢吃苹果和香蕉", "北京是中国的首都", "今天的天气很好", "他在图书馆看书"]


@pytest.mark.parametrize(
    ("documents", "queries", "best"),
    [
        (CHINESE, ["中国首都在哪里", "图书馆", "喜欢苹果的人"], [1, 3, 0]),
        (
            ["猫はソファで寝ている", "東京は日本の首都です", "ﾃｰﾀを見る"],
            ["日本の首都はどこ", "寝ている猫", "ﾃｰﾀ"],
            [1, 0, 2],
        ),
        (["แมวนอนบนโซฟา", "กรุงเทพเป็นเมืองหลวงของประเทศไทย", "อากาศวันนี้ดีมาก"], ["เมืองหลวงของไทย", "แมว"], [1, 0]),
        (["बिल्ली सो रही है", "दिल्ली भारत की राजधानी है"], ["भारत की राजधानी", "बिल्ली"], [1, 0]),
        (["price of 苹果手机 in 2024", "plain lamps"], ["苹果 phone", "2024"], [0, 0]),
    ],
    ids=["Chinese", "Japanese", "Thai", "Hindi", "mixed"],
)
def test_scripts_without_spaces_and_with_signs_have_a_baseline(documents, queries, best):
    found = scores(documents, queries)
    assert found.argmax(axis=1).tolist() == best
    assert np.isfinite(found.max(axis=1)).all()


def test_their_scores_are_bm25_over_pairs_of_characters():
    """Lucene's formula, by hand."""
    documents = [["".join(pair) for pair in pairwise(text)] for text in CHINESE]
    lengths = [len(tokens) for tokens in documents]
    mean = sum(lengths) / len(lengths)
    for query in ("北京的天气", "图书"):
        pairs = ["".join(pair) for pair in pairwise(query)]
        expected = []
        for tokens, length in zip(documents, lengths, strict=True):
            score = 0.0
            for pair in pairs:
                holding = sum(pair in other for other in documents)
                idf = np.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
                count = tokens.count(pair)
                score += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * length / mean))
            expected.append(score)
        found = scores(CHINESE, [query])[0]
        np.testing.assert_allclose(np.where(np.isinf(found), 0, found), expected, rtol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec="utf-8", max_codepoint=0x8FF)))
def test_words_of_other_scripts_are_those_of_bm25s(text):
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    own = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    assert Bm25._tokens([text]) == own
    assert script_tokens(text) == []


def test_queries_that_share_no_word_have_no_score():
    index = Bm25(DOCUMENTS)
    index.check_shared(["zebra", "lamp"])
    with pytest.raises(BenchError, match="no query shares a word with any document") as caught:
        index.check_shared(["zebra", "今天的天气"])
    assert "not across languages" in caught.value.hint


def test_search_answers_with_the_best_documents():
    assert Bm25(DOCUMENTS).search("red hinge", k=2).tolist() == [[3, 0]]
    assert Bm25(DOCUMENTS).search("lamp", k=99).shape == (1, 5)


def test_the_index_is_saved(tmp_path):
    Bm25(DOCUMENTS).save(tmp_path / "index")
    assert sum(path.stat().st_size for path in (tmp_path / "index").iterdir()) > 0


def test_the_fingerprint_covers_settings_and_versions(monkeypatch):
    first = baseline_fingerprint(ENTRY)
    assert baseline_fingerprint(ENTRY.model_copy(update={"name": "other"})) == first
    monkeypatch.setitem(__import__("bench.quality.bm25", fromlist=["_SETTINGS"])._SETTINGS, "k1", 1.2)
    assert baseline_fingerprint(ENTRY) != first
    monkeypatch.undo()
    monkeypatch.setattr(metadata, "version", lambda name: "99")
    assert baseline_fingerprint(ENTRY) != first


@pytest.mark.parametrize("missing", ["bm25s", "pystemmer"])
def test_a_missing_package(monkeypatch, missing):
    def version(name):
        if name == missing:
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(BenchError, match=f"the package {missing} is not installed") as caught:
        baseline_fingerprint(ENTRY)
    assert caught.value.where == "model `bm25`"
    assert caught.value.hint == "pip install 'mrl-bench[bm25]'"
