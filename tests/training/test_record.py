from __future__ import annotations

import json

import pytest
from support import made_record

from bench.errors import BenchError
from bench.training.card import model_card
from bench.training.record import RECORD, read_record


def write(folder, text):
    (folder / RECORD).write_text(text)
    return folder


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = read_record(write(tmp_path, json.dumps(made_record())))
    assert record.model_dump(mode="json", by_alias=True) == made_record()


def test_a_record_of_an_earlier_version_is_read(tmp_path):
    [data] = made_record()["data"]
    old = {key: data[key] for key in ("label", "shape", "rows", "loss", "weight", "fingerprint")}
    record = read_record(write(tmp_path, json.dumps(made_record(data=[old]))))
    assert (record.data[0].rows, record.data[0].seen, record.data[0].prompts) == (1234, None, {})
    assert "1,234 rows (pairs), loss CoSENT" in model_card(record)


def test_a_card_says_what_was_trained_with_which_prompts(tmp_path):
    [data] = made_record()["data"]
    data = {**data, "seen": 1230, "prompts": {"query": "query: ", "positive": "a `b` <c>"}}
    text = model_card(read_record(write(tmp_path, json.dumps(made_record(data=[data])))))
    assert "1,234 rows (pairs), 1,230 of them in a batch, loss CoSENT" in text
    assert "  - before each query: `query: `" in text
    assert r"  - before each positive: a \`b\` \<c\>" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a record of a made model"),
        (json.dumps(made_record(steps="many")), "not a record of a made model: steps"),
        (json.dumps({"schema": 1}), "bench_version: Field required"),
        ('{"name": "\\ud800"}', "not JSON: half of a surrogate pair"),
        (None, "no such file"),
    ],
)
def test_a_broken_record_says_how_to_get_another(tmp_path, text, words):
    folder = tmp_path / ("ab" * 16)
    folder.mkdir()
    if text is not None:
        write(folder, text)
    with pytest.raises(BenchError, match=words) as caught:
        read_record(folder)
    assert caught.value.where == str(folder / RECORD)
    assert "bench cache clear --model abababababab" in caught.value.hint


def test_names_in_a_card_are_text(tmp_path):
    data = {"label": "shop_train_", "shape": "pairs", "rows": 9, "loss": "CoSENT", "weight": None, "fingerprint": "0"}
    record = made_record(name="a <b> `c`", data=[data])
    text = model_card(read_record(write(tmp_path, json.dumps(record))))
    assert r"# a \<b\> \`c\`" in text
    assert r"- data: shop_train\_, 9 rows (pairs), loss CoSENT" in text
