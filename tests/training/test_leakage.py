from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.training.identity import prepare
from bench.training.leakage import audit_training, check_leakage


def unit(workshop, task, split="test"):
    return workshop.find.unit(task, split, None, workshop.folder)


@pytest.mark.parametrize(
    ("changes", "tested", "words"),
    [
        ({"data": {"task": "shop", "split": "test"}, "batch_size": 2}, "shop", "trains on shop (test)"),
        ({"data": {"task": "talk", "split": "test", "limit": 2}}, "talk", "trains on talk (test)"),
        ({"data": {"files": "tasks/talk/test.jsonl", "shape": "scored-pairs"}}, "talk", "holds most of the pairs"),
        ({"evaluate": {"task": "shop", "split": "test"}}, "shop", "chooses its checkpoint by shop (test)"),
    ],
)
def test_training_on_what_is_tested_is_refused(workshop, changes, tested, words):
    units = [unit(workshop, "shop"), unit(workshop, "talk")]
    with pytest.raises(BenchError) as caught:
        check_leakage(workshop.prepared(**changes), units)
    assert words in str(caught.value)
    assert f"which {tested} (test) tests on" in str(caught.value)
    assert "allow_leakage" in caught.value.hint
    allowed = workshop.prepared(**changes, allow_leakage=True)
    check_leakage(allowed, units)
    assert allowed.entry.leakage


def test_a_model_that_starts_from_a_leaking_one_leaks(workshop):
    leaking = {"data": {"task": "talk", "split": "test"}}
    two = prepare(workshop.entries(one=leaking, two={"base": "one"})["two"], workshop.find)
    with pytest.raises(BenchError, match=r"trains on talk \(test\)"):
        check_leakage(two, [unit(workshop, "talk")])
    allowed = prepare(
        workshop.entries(one={**leaking, "allow_leakage": True}, two={"base": "one"})["two"], workshop.find
    )
    assert allowed.entry.leakage


def test_training_on_the_split_train_is_no_leak(workshop):
    prepared = workshop.prepared(data=["shop", "talk"], evaluate={"task": "shop"})
    check_leakage(prepared, [unit(workshop, "shop"), unit(workshop, "talk")])
    assert not prepared.entry.leakage


def test_the_audit_counts_what_stands_in_both(workshop):
    pairs = (workshop.folder / "tasks/talk/test.jsonl").read_text().splitlines()
    path = workshop.folder / "tasks/talk/train.jsonl"
    path.write_text("\n".join([*path.read_text().splitlines(), *pairs[:4]]) + "\n")
    [found] = audit_training(workshop.prepared(data="talk"), [unit(workshop, "talk")])
    counts = {finding["kind"]: finding["count"] for finding in found["findings"]}
    assert counts["pairs_in_training"] == 4
    # With a limit only what is trained on counts.
    [limited] = audit_training(workshop.prepared(data="talk", limit=12), [unit(workshop, "talk")])
    assert {finding["kind"]: finding["count"] for finding in limited["findings"]}["pairs_in_training"] == 0


def test_a_test_that_is_not_here_is_not_checked(workshop):
    [found] = audit_training(workshop.prepared(), [unit(workshop, "talk", "dev")])
    assert "no file dev.jsonl" in found["not_checked"]
