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
