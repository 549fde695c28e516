from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.tasks.catalog import read_card

QA = "name: x\ntype: retrieval\ntable:\n  shape: qa\n  files: {test: t.csv}\n"
RELEVANCE = (
    "name: x\ntype: retrieval\ntable:\n  shape: relevance\n  files: {all: t.csv}\n  split: {test: 0.2, seed: 1}\n"
)


def card(tmp_path: Path, text: str):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return read_card(path).card


def test_columns_have_the_roles_names_unless_others_are_given(tmp_path):
    table = card(tmp_path, QA + "  columns: {answer: [reply, response], query_id: id}\n").table
    assert table.roles == ["question", "answer", "query_id"]
    assert [table.names(role) for role in table.roles] == [["question"], ["reply", "response"], ["id"]]
    assert table.files == {"test": ["t.csv"]}
    assert (table.encoding, table.same_document, table.corpus, table.distractors) == (["utf-8"], "error", None, None)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (QA + "  columns: {negative: n}\n", 3, "the shape qa has no column `negative`"),
        (QA + "  columns: {quesion: n}\n", 6, "unknown key `quesion`"),
        (QA + "  relevant_from: 2\n", 3, "belong to the shape relevance"),
        (QA + "  split: {test: 0.2, seed: 1}\n", 3, "`files.all` goes with `split` or `sample`"),
        (QA + "  encoding: utf-9\n", 6, "`table.encoding`"),
        (QA + "  delimiter: ';;'\n", 6, "`table.delimiter`"),
        (QA.replace("t.csv", "../t.csv"), 5, "outside"),
        (QA.replace("t.csv", "/t.csv"), 5, "outside"),
        (QA.replace("t.csv", "'**x.csv'"), 5, "alone between slashes"),
        (QA + "  delimiter: '\"'\n", 6, "`table.delimiter`"),
        (QA.replace("qa", "qb"), 4, "`table.shape`"),
        (QA.replace("retrieval", "sts"), 1, "makes a task of type retrieval"),
        (QA.replace("qa", "pairs"), 1, "makes a task of type sts"),
        (QA.replace("retrieval", "sts").replace("qa", "pairs") + "  corpus: [test]\n", 3, "neither `corpus`"),
        (RELEVANCE + "  distractors: {count: 5}\n", 3, "`split.rows` is missing"),
        (RELEVANCE + "  corpus: [test, dev]\n", 3, "names a split `dev`; there are test, train"),
        (QA + "  corpus: [train]\n", 3, "names a split `train`; there are test"),
        (RELEVANCE + "  sample: {test: 5, seed: 1}\n", 3, "exclude each other"),
        (RELEVANCE.replace("0.2", "1.0"), 6, "`table.split.test`"),
        (RELEVANCE.replace("seed: 1", "seed: -1"), 6, "`table.split.seed`"),
        (QA.replace("{test: t.csv}", "{}"), 5, "`table.files`"),
        (QA.replace("{test: t.csv}", "t.csv"), 5, "must be a mapping"),
    ],
)
def test_what_does_not_fit_says_where(tmp_path, text, line, message):
    with pytest.raises(UsageError, match=message) as caught:
        card(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'x.yaml'}, line {line}"
