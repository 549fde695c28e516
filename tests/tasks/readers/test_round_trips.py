"""What is written is read back as the same task: every format, dialect, encoding, compression and type of id."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_tasks import (
    COMPRESSIONS,
    FORMATS,
    Content,
    Dialect,
    articles,
    beir,
    drawn_content,
    ms_marco,
    pair_content,
    pairs,
    read,
    table,
    trec,
)

few = settings(max_examples=8, deadline=None)
# Any text that all formats can hold; one that is empty or of spaces alone is none.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=15).filter(str.strip)
# What delimited text is made of.
NASTY = st.text('ab,;\t\n"1. ', min_size=1, max_size=14).filter(str.strip)
# What one cell can hold without quotes, in any delimited format and encoding.
PLAIN_TEXTS = st.text("abc äé'!?-", min_size=1, max_size=12).filter(str.strip)
IDS = {"int": int, "float": float, "str": str}
DELIMITED = [
    Dialect(delimiter, quoting, encoding, end, first)
    for delimiter, quoting, encoding, end, first in itertools.product(
        (",", ";", "\t", "|"), ("minimal", "all", "none"), ("utf-8", "utf-8-sig", "utf-16"), ("\n", "\r\n"), ("",)
    )
]


def contents(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Content]:
    """Retrieval tasks with different texts, in which each query has a label of 1."""

    @st.composite
    def content(draw: st.DrawFn) -> Content:
        found = draw(st.lists(texts, min_size=4, max_size=7, unique_by=str.strip))
        documents = {str(10 + n): text for n, text in enumerate(found)}
        queries = {str(n + 1): text for n, text in enumerate(draw(st.lists(texts, min_size=1, max_size=3)))}
        labels = [
            (query, document, draw(st.sampled_from([0, 1, 2, -1])) if n else 1)
            for query in queries
            for n, document in enumerate(documents)
        ]
        return Content(documents, queries, labels)

    return content()


def same(write, expected) -> None:
    with tempfile.TemporaryDirectory() as folder:
        card = write(Path(folder))
        assert read(Path(folder), card).fingerprint() == expected.data().fingerprint()


@pytest.mark.parametrize("packing", COMPRESSIONS)
@pytest.mark.parametrize("kind", FORMATS)
@few
@given(contents(TEXTS), st.sampled_from(list(IDS.values())))
def test_a_folder_of_three_tables_in_every_format(kind, packing, content, ids):
    dialect = Dialect(quoting="all")
    same(
        lambda folder: beir(folder, content, (kind,) * 3, packing=packing, dialect=dialect, ids=typed(kind, ids)),
        content,
    )


def typed(kind: str, ids: object) -> object:
    """Delimited text has no types: 7.0 is a text there, and not the id 7."""
    return str if kind in {"csv", "tsv"} else ids


@pytest.mark.parametrize("kinds", list(itertools.product(FORMATS, FORMATS, FORMATS))[::7])
def test_formats_may_be_mixed_and_ids_of_different_types_meet(kinds, tmp_path):
    content = drawn_content(3)
    card = beir(tmp_path, content, kinds, ids=int)
    assert read(tmp_path, card).fingerprint() == content.data().fingerprint()


@pytest.mark.parametrize("packing", COMPRESSIONS)
@pytest.mark.parametrize("between", [" ", "\t", "   "])
@few
@given(contents(PLAIN_TEXTS))
def test_trecs_files(packing, between, content):
    same(lambda folder: trec(folder, content, packing=packing, between=between), content)


@pytest.mark.parametrize("packing", COMPRESSIONS)
@few
@given(contents(st.text("abc '\"é;,", min_size=1, max_size=12).filter(str.strip)))
def test_ms_marcos_files(packing, content):
    """What is in quotes there is in quotes in the text."""
    same(lambda folder: ms_marco(folder, content, packing=packing), content)


@pytest.mark.parametrize("kind", [f"{kind}{packing}" for kind in FORMATS for packing in COMPRESSIONS])
@few
@given(contents(TEXTS), st.sampled_from(list(IDS.values())))
def test_tables_in_every_format(kind, content, ids):
    ids = typed(kind.partition(".")[0], ids)
    same(lambda folder: table(folder, content, kind, dialect=Dialect(quoting="all"), ids=ids), content)


@pytest.mark.parametrize("kinds", list(itertools.product(FORMATS, FORMATS)), ids="-".join)
@few
@given(
    contents(TEXTS),
    st.sampled_from(COMPRESSIONS),
    st.lists(st.sampled_from(list(IDS.values())), min_size=2, max_size=2),
)
def test_articles_and_clicks_in_every_format(kinds, content, packing, ids):
    """Documents that no row names are part of the task, and ids of different types meet."""
    content = Content(content.documents, content.queries, content.labels[:1] + content.labels[4:])
    types = [typed(kind, own) for kind, own in zip(kinds, ids, strict=True)]
    names = [f"{kind}{packing}" for kind in kinds]
    same(lambda folder: articles(folder, content, names, dialect=Dialect(quoting="all"), ids=types), content)


@pytest.mark.parametrize("dialect", DELIMITED, ids=str)
@settings(max_examples=4, deadline=None)
@given(contents(PLAIN_TEXTS), st.lists(st.tuples(PLAIN_TEXTS, PLAIN_TEXTS), min_size=3, max_size=6))
def test_delimited_text_in_every_dialect(dialect, content, sentences):
    same(lambda folder: table(folder, content, "csv", dialect=dialect), content)
    same(lambda folder: articles(folder, content, ("csv", "csv"), dialect=dialect), content)
    rows = [(a, b, n + 0.5) for n, (a, b) in enumerate(sentences)]
    with tempfile.TemporaryDirectory() as folder:
        card = pairs(Path(folder), rows, "csv", dialect)
        assert read(Path(folder), card).fingerprint() == pair_content(rows).fingerprint()


@pytest.mark.parametrize("texts", [TEXTS, NASTY], ids=["any", "nasty"])
@pytest.mark.parametrize("kind", ["csv", "tsv"])
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_quotes_only_where_a_cell_needs_them(kind, texts, data):
    """Numbers beside the texts show which line ends belong to a cell."""
    content = data.draw(contents(texts))
    same(lambda folder: table(folder, content, kind), content)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@few
@given(contents(PLAIN_TEXTS))
def test_an_encoding_that_the_card_states(encoding, content):
    dialect = Dialect(";", encoding=encoding)
    same(lambda folder: table(folder, content, "csv", dialect=dialect, encoding=encoding), content)
    same(lambda folder: articles(folder, content, ("csv", "tsv"), dialect=dialect, encoding=encoding), content)


@pytest.mark.parametrize("quoting", ["standard", "none"])
@few
@given(contents(TEXTS))
def test_quoting_that_the_card_states_is_not_guessed(quoting, content):
    dialect = Dialect("\t", "minimal" if quoting == "standard" else "none")
    clean = Content(
        *({name: _flat(text) if quoting == "none" else text for name, text in texts.items()}
          for texts in (content.documents, content.queries)),
        content.labels,
    )  # fmt: skip
    if len(set(map(str.strip, clean.documents.values()))) == len(clean.documents):
        same(lambda folder: table(folder, clean, "tsv", dialect=dialect, quoting=quoting, delimiter="\t"), clean)


def _flat(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ").strip() or "x"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("first", ["", "sep=;\n"])
@few
@given(st.lists(st.tuples(TEXTS, TEXTS, st.floats(-5, 5).map(lambda x: round(x, 3))), min_size=3, max_size=6))
def test_pairs_in_every_format_with_decimal_commas(kind, first, rows):
    rows = [*rows, ("a", "b", 0.25)]
    if len({row[2] for row in rows}) < 2:
        return
    delimited = kind in {"csv", "tsv"}
    dialect = Dialect(";", "all", "utf-8", "\n", first if delimited else "", "," if delimited else ".")
    with tempfile.TemporaryDirectory() as folder:
        card = pairs(Path(folder), rows, kind, dialect)
        assert read(Path(folder), card).fingerprint() == pair_content(rows).fingerprint()
