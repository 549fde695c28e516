"""Sentence-transformers' trainer with what recipes add to it. Imports torch: import it inside functions only."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import count, islice
from pathlib import Path
from typing import Any

from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler, MultiDatasetDefaultBatchSampler
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator
from torch.utils.data import DataLoader, RandomSampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bench.errors import BenchError
from bench.training.batches import Passes
from bench.training.checkpoints import list_files, mark_whole

# A checkpoint is written at least this often: that much work a killed process can lose.
_CHECKPOINT_SECONDS = 120.0


class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
    """The trainer, without model cards: computing them reads all data and may ask the Hub.

    Args:
        plans: By data set, the batches of each pass; None for rows in batches at random.
        add_code: Puts the model's own Python code into a folder that it is saved in; None where it brings none.
        settings: The library's own arguments.
    """

    def __init__(
        self, plans: Sequence[Passes | None], add_code: Callable[[Path], None] | None, **settings: Any
    ) -> None:
        self._plans = plans
        self._add_code = add_code
        super().__init__(**settings)

    def get_data_collator(
        self, model: SentenceTransformer, args: SentenceTransformerTrainingArguments, **_: Any
    ) -> SentenceTransformerDataCollator:
        """The library's, which refuses a model with a Router where all texts take the default route."""
        return self.data_collator_class(model.preprocess, router_mapping=args.router_mapping, prompts=args.prompts)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The library's loader with our batches: it asks for a sampler for each data set, in their order."""
        self._next_plan = iter(self._plans)
        loader: DataLoader[Any] = super().get_train_dataloader()
        return loader

    def get_batch_sampler(self, dataset: Dataset, *_: Any, **settings: Any) -> DefaultBatchSampler:
        """The batches of one data set."""
        plan = next(self._next_plan)
        return at_random(dataset, **settings) if plan is None else Planned(plan, dataset, **settings)

    def batches(self, steps: int) -> Iterator[list[int]]:
        """The rows of each batch that so many steps take, numbered through all data sets."""
        sampler: Any = self.get_train_dataloader().batch_sampler
        for number in count():
            sampler.set_epoch(number)
            for batch in islice(sampler, min(steps, len(sampler))):
                steps -= 1
                yield batch
            if not steps:
                return

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Adds none."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ARG002 - likewise
        folder = Path(output_dir or self.args.output_dir)
        self.model.save_pretrained(str(folder), create_model_card=False)
        if self._add_code is not None:
            self._add_code(folder)

    def _load_best_model(self) -> None:
        # The library's logs that it could not be loaded and keeps the last weights.
        self._load_from_checkpoint(self.state.best_model_checkpoint)


class Judge(SentenceEvaluator):  # type: ignore[misc]
    """Scores the model while it is trained.

    Args:
        score: Gives a model's score.
        metric: What it is called.
        on_score: Told the step and the score.
    """

    def __init__(
        self, score: Callable[[SentenceTransformer], float], metric: str, on_score: Callable[[int, float], None]
    ) -> None:
        super().__init__()
        self._score = score
        self.metric = metric
        self._on_score = on_score

    def __call__(
        self,
        model: SentenceTransformer,
        output_path: str | None = None,  # noqa: ARG002 - the library's signature
        epoch: float = -1,  # noqa: ARG002 - likewise
        steps: int = -1,
    ) -> dict[str, float]:
        """The score, by the metric's name."""
        found = self._score(model)
        self._on_score(steps, found)
        return {self.metric: found}


class Watch(TrainerCallback):  # type: ignore[misc]
    """Looks after a training: its progress, its checkpoints, and a loss that is no number.

    Args:
        name: The model's name.
        on_step: Told the step and its loss.
        stopping: Whether to stop after this step, with a checkpoint.
    """

    def __init__(self, name: str, on_step: Callable[[int, float], None], stopping: Callable[[], bool]) -> None:
        self._name = name
        self._on_step = on_step
        self._stopping = stopping
        self._saved = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Write a checkpoint when it is time to, and stop when asked."""
        del args
        if state.global_step < state.max_steps:
            stop = self._stopping()
            control.should_save = control.should_save or stop or self._due()
            control.should_training_stop = control.should_training_stop or stop
        return control

    def _due(self) -> bool:
        return time.monotonic() - self._saved > _CHECKPOINT_SECONDS

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Mark a checkpoint as whole."""
        del control
        mark_whole(Path(args.output_dir), state.global_step)
        list_files(Path(args.output_dir), state.global_step)
        self._saved = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Tell the step's loss, unless it is none."""
        del args, control
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise BenchError(
                f"the loss became {loss} in step {state.global_step}",
                where=f"model `{self._name}`",
                hint="lower `learning_rate`, raise `warmup`, or use `precision: fp32`",
            )
        self._on_step(state.global_step, loss)


@contextmanager
def task_passed(model: SentenceTransformer) -> Iterator[None]:
    """Give a model's modules the `task` of the texts that a loss passes them, as encoding gives it."""
    plain = model.forward

    # Not a hook: losses that put their own function around `forward` call it with features alone.
    @wraps(plain)
    def forward(features: dict[str, Any], **named: Any) -> dict[str, Any]:
        task = features.get("task")
        given: dict[str, Any] = plain(features, **(named if task is None else {"task": task, **named}))
        return given

    model.forward = forward
    try:
        yield
    finally:
        model.__dict__.pop("forward", None)


class Planned(DefaultBatchSampler):  # type: ignore[misc]
    """Batches that were planned before the training.

    Args:
        plan: The batches of each pass.
        dataset: The rows.
        settings: The library's own arguments.
    """

    def __init__(self, plan: Passes, dataset: Dataset, **settings: Any) -> None:
        super().__init__(dataset, **settings)
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._plan.batches(self.epoch)


def at_random(dataset: Dataset, **settings: Any) -> DefaultBatchSampler:
    """Batches of rows in an order drawn by seed and epoch."""
    return _AtRandom(RandomSampler(dataset, generator=settings["generator"]), **settings)


class _AtRandom(DefaultBatchSampler):  # type: ignore[misc]
    """The library's, whose order depends on what was drawn before, so that a resumed epoch would have another."""

    def __iter__(self) -> Iterator[list[int]]:
        self.generator.manual_seed(self.seed + self.epoch)
        yield from super().__iter__()


def weighted(weights: Sequence[float]) -> type[MultiDatasetDefaultBatchSampler]:
    """Batches of several data sets in proportion to weights.

    An epoch has as many batches as all data sets together; one that is used up starts over in another order.
    """

    class Weighted(MultiDatasetDefaultBatchSampler):  # type: ignore[misc]
        def __len__(self) -> int:
            return sum(len(sampler) for sampler in self.batch_samplers)

        def __iter__(self) -> Iterator[list[int]]:
            counts = shares(len(self), weights)
            order = [part for part, count in enumerate(counts) for _ in range(count)]
            random.Random(f"{self.seed} {self.epoch}").shuffle(order)  # noqa: S311 - not for secrets
            starts = [0, *self.dataset.cumulative_sizes]
            streams = [self._endless(sampler) for sampler in self.batch_samplers]
            for part in order:
                yield [row + starts[part] for row in next(streams[part])]

        def _endless(self, sampler: Any) -> Iterator[list[int]]:
            turn = 0
            while True:
                # All of one turn at once: the samplers share a generator, which each sets anew when it starts.
                sampler.set_epoch(self.epoch + turn * _TURN)
                yield from list(sampler)
                turn += 1

    return Weighted


# Far apart, so that no later epoch draws the order of a repeated turn.
_TURN = 1_000_003


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to weights that add up to `total` (largest remainder)."""
    exact = [total * weight / sum(weights) for weight in weights]
    found = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda part: (found[part] - exact[part], part))
    for part in by_remainder[: total - sum(found)]:
        found[part] += 1
    return found


def arguments(folder: Path, device: str, **settings: Any) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments: nothing is reported, nothing is printed, every step is logged."""
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        use_cpu=device == "cpu",
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        # It would put the mean of the steps before in the place of a loss that is no number.
        logging_nan_inf_filter=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=device.startswith("cuda"),
        restore_callback_states_from_checkpoint=True,
        **settings,
    )
