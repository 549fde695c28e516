"""A recipe against the script that sentence-transformers' documentation would have one write."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss

from bench.training.make import make


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.mark.parametrize("dims", [None, [32, 8]])
def test_a_recipe_gives_the_weights_of_a_plain_script(workshop, tmp_path, dims):
    changes = {"epochs": 2, "learning_rate": 1e-3, "scheduler": "cosine", "seed": 3}
    prepared = workshop.prepared(**changes, **({"matryoshka": {"dims": dims}} if dims else {}))
    model = SentenceTransformer(str(workshop.folder / "tiny"), device="cpu")
    model.max_seq_length = 16
    loss = MultipleNegativesRankingLoss(model)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "plain"),
        num_train_epochs=2,
        per_device_train_batch_size=8,
        learning_rate=1e-3,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,
        seed=3,
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
        loss=MatryoshkaLoss(model, loss, dims) if dims else loss,
    )
    trainer.train()
    make(prepared, workshop.find, (), Silent(), "cpu")
    ours = SentenceTransformer(str(prepared.made), device="cpu").state_dict()
    theirs = model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], weights) for name, weights in theirs.items())
