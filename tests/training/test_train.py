from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
from support import write_jsonl

from bench.errors import BenchError
from bench.models.fingerprint import fingerprint
from bench.models.loading import load_encoder, load_transformer
from bench.models.profile import TextContext
from bench.models.recipe import LOSSES
from bench.models.source import NotMadeError, locate
from bench.training.make import make, time_steps
from bench.training.store import work_folder
from bench.vectors.quantise import fit
from bench.views import View

FILES = {
    "pairs": "pairs.jsonl",
    "triplets": "triplets.jsonl",
    "scored-pairs": "scored.jsonl",
    "labelled-pairs": "labelled.jsonl",
}


class Notes:
    """A listener that remembers; it may press Ctrl-C after a step."""

    def __init__(self, interrupt_at=None):
        self.losses, self.scores, self.started, self.resumed, self.made_in = {}, {}, [], [], []
        self._interrupt_at = interrupt_at

    def training(self, model, step, steps, loss):
        self.losses[step] = loss
        if step == self._interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    def starting(self, model, steps):
        self.started.append(steps)

    def resuming(self, model, step, steps):
        self.resumed.append((step, steps))

    def judged(self, model, step, metric, score):
        self.scores[step] = score

    def made(self, model, folder):
        self.made_in.append(folder)

    def counted(self, model, coverage):
        self.coverage = coverage

    def preparing(self, model): ...
    def waiting(self, model): ...


def made(workshop, **changes):
    """A made model's record and what the listener saw."""
    prepared, notes = workshop.prepared(**changes), Notes()
    make(prepared, workshop.find, (), notes, "cpu")
    return record_of(prepared), notes


def record_of(prepared):
    return json.loads((prepared.folder / "recipe.json").read_text())


def weights(record):
    return record["weights_sha256"]["model.safetensors"]


@pytest.mark.parametrize(("shape", "loss"), [(shape, loss) for shape, losses in LOSSES.items() for loss in losses])
@pytest.mark.parametrize("nested", [False, True])
def test_every_loss_trains_on_every_shape_that_it_takes(workshop, shape, loss, nested):
    changes = {"data": {"files": FILES[shape], "shape": shape}, "loss": loss, "batch_size": 4}
    if nested:
        changes["matryoshka"] = {"dims": [32, 8]}
    record, notes = made(workshop, **changes)
    assert (record["steps"], len(notes.losses)) == (2, 2)
    assert all(np.isfinite(loss) for loss in notes.losses.values())
    assert record["data"][0]["loss"] == loss


@pytest.mark.parametrize(
    ("shape", "loss"),
    [
        ("pairs", "MultipleNegativesRanking"),
        ("triplets", "MultipleNegativesRanking"),
        ("scored-pairs", "CoSENT"),
        ("labelled-pairs", "Contrastive"),
    ],
)
def test_the_loss_follows_from_the_shape(workshop, shape, loss):
    assert workshop.prepared(data={"files": FILES[shape], "shape": shape}).sets[0].loss == loss


@pytest.mark.parametrize(
    "matryoshka", [{"dims": [32, 8], "dims_per_step": 1}, {"dims": [32, 8], "adaptive_layers": True}]
)
def test_the_variants_of_the_matryoshka_loss_train(workshop, matryoshka):
    record, _ = made(workshop, matryoshka=matryoshka)
    again = workshop.prepared(matryoshka=matryoshka, seed=1)
    make(again, workshop.find, (), Notes(), "cpu")
    assert weights(record) != weights(record_of(again))


def test_the_same_recipe_and_seed_give_the_same_weights(workshop, monkeypatch, tmp_path):
    first, _ = made(workshop)
    one = workshop.prepared()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "elsewhere"))
    second, _ = made(workshop)
    other = workshop.prepared()
    assert other.folder != one.folder
    assert (weights(first), first["identity"]) == (weights(second), second["identity"])
    assert fingerprint(one.entry, one.entry.made) == fingerprint(other.entry, other.entry.made)
    third, _ = made(workshop, seed=7)
    assert weights(third) != weights(first)


def test_what_is_made_is_not_made_again(workshop):
    record, notes = made(workshop)
    again, quiet = made(workshop)
    assert (len(notes.made_in), quiet.made_in, quiet.losses) == (1, [], {})
    assert again == record


def test_the_loss_falls_on_what_it_is_trained_on(workshop):
    _, notes = made(
        workshop, epochs=20, learning_rate=5e-3, batch_size=8, data={"files": "pairs.jsonl", "shape": "pairs"}
    )
    losses = [notes.losses[step] for step in sorted(notes.losses)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("sampler", ["no-duplicates", "random"])
@pytest.mark.parametrize("at", [1, 4])
def test_an_interrupted_training_ends_as_an_undisturbed_one(workshop, monkeypatch, tmp_path, sampler, at):
    changes = {"epochs": 2, "sampler": sampler, "batch_size": 8}
    whole, calm = made(workshop, **changes)
    # 24 rows a pass: 3 steps, so that step 1 is in the first pass and step 4 in the second.
    assert whole["steps"] == 6
    log = (workshop.prepared(**changes).folder / "log.jsonl").read_text().splitlines()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "elsewhere"))
    prepared, disturbed, later = workshop.prepared(**changes), Notes(interrupt_at=at), Notes()
    with pytest.raises(KeyboardInterrupt):
        make(prepared, workshop.find, (), disturbed, "cpu")
    assert not prepared.is_made
    assert max(disturbed.losses) == at + 1
    make(prepared, workshop.find, (), later, "cpu")
    assert (later.started, later.resumed) == ([], [(at + 1, 6)])
    assert weights(record_of(prepared)) == weights(whole)
    assert disturbed.losses | later.losses == calm.losses
    # All but the last line, which tells the time that it took.
    assert losses_of((prepared.folder / "log.jsonl").read_text().splitlines()) == losses_of(log)
    assert not work_folder(prepared).exists()


def losses_of(lines):
    return [row["loss"] for line in lines if "loss" in (row := json.loads(line))]


def test_half_a_checkpoint_is_not_gone_on_from(workshop):
    prepared, later = workshop.prepared(epochs=2), Notes()
    with pytest.raises(KeyboardInterrupt):
        make(prepared, workshop.find, (), Notes(interrupt_at=1), "cpu")
    [checkpoint] = work_folder(prepared).glob("checkpoint-*")
    (checkpoint / "whole").unlink()
    make(prepared, workshop.find, (), later, "cpu")
    assert (later.started, later.resumed) == ([6], [])


def test_a_loss_that_is_no_number_stops_and_leaves_nothing(workshop, monkeypatch):
    import torch
    from sentence_transformers.sentence_transformer import losses

    def forward(self, features, labels):
        return self.model(next(iter(features)))["sentence_embedding"].sum() * torch.nan

    monkeypatch.setattr(losses.MultipleNegativesRankingLoss, "forward", forward)
    prepared = workshop.prepared()
    with pytest.raises(BenchError, match="the loss became nan in step 1") as caught:
        make(prepared, workshop.find, (), Notes(), "cpu")
    assert "learning_rate" in caught.value.hint
    assert not prepared.is_made
    assert not work_folder(prepared).exists()


def test_too_little_memory_says_which_setting_to_lower(workshop, monkeypatch):
    import torch
    from sentence_transformers.sentence_transformer import losses

    def forward(self, features, labels):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr(losses.MultipleNegativesRankingLoss, "forward", forward)
    with pytest.raises(BenchError, match="batch_size 8 does not fit") as caught:
        make(workshop.prepared(), workshop.find, (), Notes(), "cpu")
    for word in ("batch_size", "max_seq_length", "mini_batch_size"):
        assert word in caught.value.hint


def test_training_without_its_libraries_says_how_to_get_them(workshop, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    with pytest.raises(BenchError, match="needs the Python package `accelerate`") as caught:
        make(workshop.prepared(), workshop.find, (), Notes(), "cpu")
    assert "mrl-bench[train]" in caught.value.hint


def test_a_recipe_may_start_from_a_made_model(workshop):
    entries = workshop.entries(one={}, two={"base": "one", "seed": 3})
    from bench.training.identity import prepare

    two = prepare(entries["two"], workshop.find)
    with pytest.raises(NotMadeError, match="base `one` has not been trained yet"):
        time_steps(two, Notes(), "cpu")
    notes = Notes()
    make(two, workshop.find, (), notes, "cpu")
    one = prepare(entries["one"], workshop.find)
    assert notes.made_in == [one.folder, two.folder]
    assert record_of(two)["base"] == {"name": "one", "fingerprint": one.identity}
    assert weights(record_of(one)) != weights(record_of(two))


def test_several_data_sets_with_weights_and_a_loss_each(workshop):
    data = [{"task": "shop", "weight": 3}, {"task": "talk", "weight": 1}]
    record, notes = made(workshop, data=data, batch_size=4)
    assert [part["loss"] for part in record["data"]] == ["MultipleNegativesRanking", "CoSENT"]
    # 24 pairs and 12 scored pairs in fours: 6 and 3 batches.
    assert record["steps"] == len(notes.losses) == 9
    plain, _ = made(workshop, data=["shop", "talk"], batch_size=4)
    assert weights(plain) != weights(record)


def test_what_a_training_saw_of_its_data_is_recorded(workshop):
    # 8 queries of 3 documents each: sentence-transformers' three batches of eight hold 23 of the 24 rows.
    record, notes = made(workshop, epochs=2)
    assert record["data"][0].items() >= {"rows": 24, "seen": 24, "batches": 6, "small_batches": 0}.items()
    assert [str(found) for found in notes.coverage] == ["shop (train): 24 of 24 rows in 6 batches"]
    rows = ({"query": f"q {n}", "positive": f"p {n}"} for n in range(20))
    write_jsonl(workshop.folder / "distinct.jsonl", rows)
    half, _ = made(workshop, data={"files": "distinct.jsonl", "shape": "pairs"}, epochs=0.5)
    # Batches of 8, 8 and 4, of which half, rounded up, are the first two.
    assert half["data"][0].items() >= {"rows": 20, "seen": 16, "batches": 2, "small_batches": 0}.items()
    ended, _ = made(workshop, epochs=6, evaluate={"task": "shop", "metric": "recall_at_100", "every": 1, "patience": 1})
    # The second evaluation is no better than the first.
    assert (ended["steps"], ended["data"][0]["seen"], ended["data"][0]["batches"]) == (2, 16, 2)


def test_all_rows_of_several_data_sets_are_seen(workshop):
    rows = ({"query": f"q {n % 4}", "positive": f"p {n}"} for n in range(60))
    write_jsonl(workshop.folder / "few.jsonl", rows)
    few = {"files": "few.jsonl", "shape": "pairs"}
    record, _ = made(workshop, data=[few, "talk"], epochs=2)
    # 4 questions of 15 answers: 15 batches of four; 12 scored pairs in eights: 8 and 4.
    assert record["steps"] == 2 * (15 + 2)
    seen = [(part["rows"], part["seen"], part["batches"], part["small_batches"]) for part in record["data"]]
    assert seen == [(60, 60, 30, 0), (12, 12, 4, 0)]
    weighted, _ = made(workshop, data=[{**few, "weight": 1}, {"task": "talk", "weight": 1}])
    assert weighted["steps"] == 17
    # By weight each has half of the steps: 9 of the 15 batches, and four times the other's two.
    assert [part["batches"] for part in weighted["data"]] == [9, 8]
    assert [part["seen"] for part in weighted["data"]] == [36, 12]


def test_steps_are_timed_and_nothing_is_left(workshop):
    prepared = workshop.prepared(epochs=10)
    found = time_steps(prepared, Notes(), "cpu")
    assert found.steps == 30
    assert 0 < found.seconds_per_step < 60
    assert found.seconds == pytest.approx(30 * found.seconds_per_step)
    assert not prepared.is_made
    assert list(work_folder(prepared).parent.glob("*")) == []


def test_the_best_checkpoint_is_kept(workshop):
    changes = {"epochs": 6, "learning_rate": 1e-2, "evaluate": {"task": "shop", "dim": 8, "metric": "mrr_at_10"}}
    record, notes = made(workshop, **changes)
    assert sorted(notes.scores) == [0, 3, 6, 9, 12, 15, 18]
    best = max(score for step, score in notes.scores.items() if step)
    assert record["evaluation"]["best"] == pytest.approx(best, abs=0)
    assert record["evaluation"]["first"] == notes.scores[0]
    assert notes.scores[record["evaluation"]["best_step"]] == best
    # The stored model is that checkpoint: scored again it gives the same.
    from bench.training.judge import make_score

    prepared = workshop.prepared(**changes)
    model = load_transformer(prepared.entry, locate(prepared.entry, download=False)).eval()
    assert make_score(prepared, prepared.evaluation)(model) == pytest.approx(best, abs=1e-6)


def test_training_ends_early_without_a_new_best(workshop):
    judge = {"task": "shop", "metric": "recall_at_100", "every": 1, "patience": 2}
    record, notes = made(workshop, epochs=6, evaluate=judge)
    # All 30 documents are among the first 100: the first evaluation is the best there can be.
    assert set(notes.scores.values()) == {1.0}
    assert (record["steps"], record["evaluation"]["best_step"]) == (3, 1)


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        ({"task": "shop", "metric": "ndcg_at_11"}, ["no metric `ndcg_at_11`", "did you mean `ndcg_at_1"]),
        ({"task": "shop", "dim": 64}, ["`evaluate.dim` asks for 64 dimensions, but the base has 32"]),
        ({"task": "shop", "split": "none"}, ["none"]),
        ({"task": "shopp"}, ["did you mean `shop`?"]),
    ],
)
def test_a_judge_that_cannot_judge(workshop, judge, words):
    with pytest.raises(BenchError) as caught:
        made(workshop, evaluate=judge)
    for word in words:
        assert word in str(caught.value)


def test_slicing_stored_vectors_equals_loading_with_truncate_dim(workshop):
    from sentence_transformers import SentenceTransformer

    dims = [32, 16, 8]
    made(workshop, matryoshka={"dims": dims})
    prepared = workshop.prepared(matryoshka={"dims": dims})
    texts = ["red pipe", "large blue valve", "nail"]
    full = load_encoder(prepared.entry, locate(prepared.entry, download=False)).embed(texts, TextContext())
    for dim in dims:
        cut = SentenceTransformer(str(prepared.entry.made), truncate_dim=dim, device="cpu").encode(texts)
        assert cut.shape == (3, dim)
        quantiser = fit(View(dim), "cosine", (full,))
        ours = quantiser.values(quantiser.codes(full))
        theirs = cut / np.linalg.norm(cut, axis=1, keepdims=True)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_sequence_length_of_a_recipe_is_the_made_models(workshop):
    made(workshop, max_seq_length=9)
    prepared = workshop.prepared(max_seq_length=9)
    assert load_encoder(prepared.entry, locate(prepared.entry, download=False)).profile.max_seq_length == 9


def test_what_is_stored_with_a_model(workshop):
    record, _ = made(workshop, matryoshka={"dims": [32, 8]})
    folder = workshop.prepared(matryoshka={"dims": [32, 8]}).folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "audit.json",
        "environment.json",
        "files.json",
        "log.jsonl",
        "model",
        "recipe.json",
    ]
    assert record["recipe"]["matryoshka"]["dims"] == [32, 8]
    assert record["versions"].keys() == {"torch", "transformers", "sentence-transformers"}
    [audit] = json.loads((folder / "audit.json").read_text())
    assert (audit["task"], audit["split"], audit["training"]) == ("shop", "test", "shop (train)")
    assert {"kind", "count", "of", "sentence", "weakens"} == set(audit["findings"][0])
    card = (folder / "model" / "README.md").read_text()
    assert "# made" in card
    assert '"matryoshka"' in card
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log if "loss" in row] == [1, 2, 3]
