from __future__ import annotations

import json
import re

import pytest
from support import audit_record, control_record, cost_record, fidelity_record, quality_record, rewrite_record

from bench.errors import BenchError
from bench.results.index import ResultIndex
from bench.results.store import ResultStore, read_items


def test_records_come_back_as_they_were_with_their_tables(tmp_path):
    store = ResultStore(tmp_path)
    quality = store.write_quality(quality_record(), {"query_id": ["a", "b"], "ndcg_at_10": [0.0, 1.0]})
    cost = store.write_cost(cost_record(figures=[("encode_p50_ms", 3.0, None, None)]), {"milliseconds": [2.0, 4.0]})
    found = dict(store.records())
    assert set(found) == {quality, cost}
    assert found[quality].views == quality_record().views
    assert found[cost].figures[0].value == 3.0
    assert read_items(quality, found[quality]).to_pydict() == {"query_id": ["a", "b"], "ndcg_at_10": [0.0, 1.0]}
    assert read_items(cost, found[cost]).to_pydict() == {"milliseconds": [2.0, 4.0]}


def test_controls_have_a_folder_and_a_table_of_their_own(tmp_path):
    store = ResultStore(tmp_path)
    given = control_record(controls={("pca", None, 4): 0.5, ("random", 2, 4): 0.25})
    path = store.write_controls(given, {"query_id": ["a", "b"]})
    assert path.parent == tmp_path / "controls" / "shop"
    [(_, found)] = store.records()
    assert found.controls == given.controls
    assert read_items(path, found).to_pydict() == {"query_id": ["a", "b"]}


def test_fidelity_has_a_folder_and_a_table_of_its_own(tmp_path):
    store = ResultStore(tmp_path)
    given = fidelity_record(views={(4, "int8"): {"rbo": 0.5}})
    path = store.write_fidelity(given, {"query_id": ["a", "b"]})
    assert path.parent == tmp_path / "fidelity" / "shop"
    [(_, found)] = store.records()
    assert (found.views, found.leading, found.settings) == (given.views, given.leading, given.settings)
    assert read_items(path, found).to_pydict() == {"query_id": ["a", "b"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"views": [{"truncate_dim": 4, "precision": "int8", "measures": {"charm": {"value": 1}}}]}, "measures.charm"),
        ({"model": {**quality_record().model.model_dump(), "weights": "random"}}, "random weights has no fidelity"),
        ({"leading": {"variance": None}}, "leading.norm"),
    ],
)
def test_fidelity_that_means_nothing_is_refused(tmp_path, change, words):
    path = ResultStore(tmp_path).write_fidelity(fidelity_record(), {"query_id": []})
    rewrite_record(path, **change)
    with pytest.raises(BenchError, match=words):
        ResultStore(tmp_path).records()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "random", "draw": None}, "has a draw"),
        ({"method": "pca", "draw": 1}, "no other has"),
        ({"method": "first"}, "controls.0.method"),
        ({"metrics": {}}, "lacks the main metric"),
    ],
)
def test_controls_that_mean_nothing_are_refused(tmp_path, change, words):
    path = ResultStore(tmp_path).write_controls(control_record(), {"query_id": []})
    value = json.loads(path.read_text())
    value["controls"][0] |= change
    rewrite_record(path, controls=value["controls"])
    with pytest.raises(BenchError, match=words):
        ResultStore(tmp_path).records()


def test_files_are_json_with_sorted_keys(tmp_path):
    path = ResultStore(tmp_path).write_quality(quality_record(), {"query_id": []})
    value = json.loads(path.read_text())
    assert path.read_text() == json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    assert path.parent == tmp_path / "quality" / "shop"


def test_nothing_is_ever_overwritten(tmp_path):
    store = ResultStore(tmp_path)
    paths = {
        store.write_quality(quality_record(created=f"2026-01-0{day}T00:00:00+00:00"), {"query_id": []})
        for day in (1, 2, 3)
    }
    assert len(paths) == 3
    assert [record.created[:10] for _, record in store.records()] == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_an_environment_is_written_once(tmp_path):
    store = ResultStore(tmp_path)
    store.write_environment("abc", {"cpu": "first"})
    store.write_environment("abc", {"cpu": "second"})
    assert store.environments() == {"abc": {"cpu": "first"}}
    assert store.records() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a result record"),
        ('{"record": "quality", "schema_version": 99}', "schema 99"),
        ('{"record": "quality", "schema_version": 1}', "not a result record"),
        ('{"record": "surprise", "schema_version": 1}', "not a result record"),
    ],
)
def test_files_that_are_no_records_are_named(tmp_path, content, words):
    path = tmp_path / "quality" / "shop" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(BenchError, match=words) as caught:
        ResultStore(tmp_path).records()
    assert str(path) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("key", ["value", "ci_low", "ci_high"])
def test_a_score_that_is_no_number_is_refused_by_name(tmp_path, key, value):
    path = ResultStore(tmp_path).write_quality(quality_record(), {"query_id": []})
    path.write_text(re.sub(rf'"{key}": [\d.]+', f'"{key}": {value}', path.read_text()))
    with pytest.raises(BenchError, match=f"{key}: Input should be a finite number") as caught:
        ResultStore(tmp_path).records()
    assert "ndcg_at_10" in caught.value.message
    assert caught.value.where == str(path)


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_figure_that_is_no_number_is_refused_by_name(tmp_path, value):
    path = ResultStore(tmp_path).write_cost(cost_record(figures=[("index_bytes", 12.0, 8, "float32")]), {})
    path.write_text(path.read_text().replace('"value": 12.0', f'"value": {value}'))
    with pytest.raises(BenchError, match=r"figures\.0\.value: Input should be a finite number") as caught:
        ResultStore(tmp_path).records()
    assert caught.value.where == str(path)


def test_a_missing_table_says_what_to_do(tmp_path):
    store = ResultStore(tmp_path)
    path = store.write_quality(quality_record(), {"query_id": []})
    path.with_suffix(".parquet").unlink()
    with pytest.raises(BenchError, match="cannot read the table"):
        read_items(path, store.records()[0][1])


def test_a_table_whose_names_are_no_text_is_damaged(tmp_path):
    store = ResultStore(tmp_path)
    path = store.write_quality(quality_record(), {"query_id": ["a"]})
    table = path.with_suffix(".parquet")
    table.write_bytes(table.read_bytes().replace(b"query_id", b"query_i\xf3"))
    with pytest.raises(BenchError, match="cannot read the table"):
        read_items(path, store.records()[0][1], ["query_id"])


def test_audits_are_kept_and_the_newest_of_the_current_data_counts(tmp_path):
    store = ResultStore(tmp_path)
    old, new = (audit_record([words], created=words) for words in ("1", "2"))
    other = audit_record(["of other data"], data="e" * 32, created="3")
    paths = [store.write_audit(record) for record in (old, new, other)]
    assert [path.parent for path in paths] == [tmp_path / "audits" / "shop"] * 3
    assert [record for _, record in store.records()] == [old, new, other]
    index = ResultIndex(store.records())
    assert index.audit(("shop", "test", "default")) is None
    store.write_quality(quality_record(created="0"), {"query_id": []})
    assert ResultIndex(store.records()).audit(("shop", "test", "default")) == new
