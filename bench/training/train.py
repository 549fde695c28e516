"""Training one model from its recipe: resumed where it was interrupted, stopped cleanly by Ctrl-C."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.files import write_error
from bench.models.export.merging import merge_adapters
from bench.models.export.portable import complete_code
from bench.models.loading import check_device, load_transformer, make_encoder
from bench.models.memory import out_of_memory
from bench.models.profile import TextContext
from bench.models.source import Located, NotMadeError
from bench.paths import is_folder
from bench.training.checkpoints import drop_damaged, last_checkpoint
from bench.training.coverage import Coverage, cover
from bench.training.identity import Prepared, check_width
from bench.training.inputs import column_contexts
from bench.training.losses import make_loss
from bench.training.outcome import Estimate, Listener, Trained

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Two whole checkpoints: while one is written, the other is what a killed process goes on from.
_CHECKPOINTS = 2
_TIMED_STEPS = 5


def require_libraries() -> None:
    """Refuse to train without the libraries that only training needs.

    Raises:
        BenchError: They are not installed.
    """
    for name in ("accelerate", "datasets"):
        try:
            import_module(name)
        except ImportError as error:
            raise BenchError(
                f"training needs the Python package `{name}`", hint='pip install "mrl-bench[train]"'
            ) from error


def train(
    prepared: Prepared, work: Path, device: str, listener: Listener, stopping: Callable[[], bool] = lambda: False
) -> Trained:
    """Train a model.

    Args:
        prepared: The recipe; its base has been made.
        work: A folder for checkpoints, kept when training is interrupted; the next call goes on from there.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        listener: Told how it goes on.
        stopping: Whether to stop after the step that is being done.

    Raises:
        BenchError: The loss becomes NaN, memory is used up, or the base cannot be trained.
        KeyboardInterrupt: It was stopped; a checkpoint has been written.
    """
    run = _Run(prepared, work, device, listener)
    with run.errors_told():
        return run.train(stopping)


def estimate(prepared: Prepared, work: Path, device: str, listener: Listener) -> Estimate:
    """Time a few steps and leave nothing behind.

    Args:
        prepared: The recipe; its base has been made.
        work: A folder that is made and removed.
        device: As for `train`.
        listener: Told how it goes on.

    Raises:
        BenchError: As `train`.
    """
    run = _Run(prepared, work, device, listener)
    try:
        with run.errors_told():
            return run.estimate()
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Run:
    def __init__(self, prepared: Prepared, work: Path, device: str, listener: Listener) -> None:
        require_libraries()
        self._prepared = prepared
        self._work = work
        self._listener = listener
        self._where = f"model `{prepared.name}`"
        self._device = check_device(device, self._where)
        self._times: list[float] = []

    @contextmanager
    def errors_told(self) -> Iterator[None]:
        """Turn a lack of memory, and what sentence-transformers refuses, into errors with a way out."""
        from safetensors import SafetensorError

        try:
            yield
        except OSError as error:
            raise write_error(self._work, error) from error
        except SafetensorError as error:
            # It wraps the system's error in words.
            raise write_error(self._work, OSError(str(error))) from error
        except (RuntimeError, MemoryError, ValueError, TypeError, LookupError, AttributeError) as error:
            recipe = self._prepared.recipe
            if out_of_memory(error):
                raise BenchError(
                    f"a step of batch_size {recipe.batch_size} does not fit into the memory of {self._device}",
                    where=self._where,
                    hint="lower `batch_size` or `max_seq_length`, or use the loss CachedMultipleNegativesRanking "
                    "with a small `mini_batch_size`",
                ) from error
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise BenchError(
                f"cannot be trained: {type(error).__name__}: {reason}",
                where=self._where,
                hint="`bench --debug ...` shows the Python traceback",
            ) from error

    def train(self, stopping: Callable[[], bool]) -> Trained:
        """The whole training, or what is left of it."""
        from bench.training.engine import task_passed
        from bench.training.judge import make_score, metric_of

        unit = self._prepared.evaluation
        model = self._load()
        result = Trained(model, 0, device=self._device)
        judge = None
        if unit is not None:
            from bench.training.engine import Judge

            metric = metric_of(self._prepared, unit)
            score = make_score(self._prepared, unit)
            judge = Judge(score, metric, lambda step, found: self._told(step, metric, found))
            # Before an hour of training: whether the task, the metric and the dimension are there at all.
            result.first_score = score(model)
            self._told(0, metric, result.first_score)
        trainer = self._trainer(model, stopping, judge=judge)
        self._listener.counted(self._prepared.name, self._coverage(trainer, self._total))
        drop_damaged(self._work)
        checkpoint = last_checkpoint(self._work)
        if checkpoint is None:
            self._listener.starting(self._prepared.name, self._total)
        else:
            result.resumed_from = checkpoint[0]
            self._listener.resuming(self._prepared.name, result.resumed_from, self._total)
        start = time.perf_counter()
        try:
            with task_passed(model):
                trainer.train(resume_from_checkpoint=str(checkpoint[1]) if checkpoint else None)
        except BenchError:
            # A loss that is no number would be so again: what led to it is of no use.
            shutil.rmtree(self._work, ignore_errors=True)
            raise
        if stopping() and trainer.state.global_step < trainer.state.max_steps:
            raise KeyboardInterrupt
        result.seconds = time.perf_counter() - start
        result.steps, result.log = trainer.state.global_step, trainer.state.log_history
        result.coverage = self._coverage(trainer, result.steps)
        if judge is not None:
            self._take_best(trainer, result)
        return result

    def estimate(self) -> Estimate:
        """A few steps, timed."""
        from bench.training.engine import task_passed

        model = self._load()
        trainer = self._trainer(model, lambda: False, max_steps=_TIMED_STEPS + 1)
        steps = self._steps(trainer)
        with task_passed(model):
            trainer.train()
        # The first step pays for what is set up once.
        gaps = sorted(later - sooner for sooner, later in zip(self._times, self._times[1:], strict=False))
        return Estimate(steps, gaps[len(gaps) // 2] if gaps else 0.0, self._coverage(trainer, steps))

    def _load(self) -> SentenceTransformer:
        prepared, base = self._prepared, self._prepared.base
        if isinstance(base, Prepared) and not base.is_made:
            raise NotMadeError(f"its base `{base.name}` has not been trained yet", where=self._where)
        located = Located(base.made, "recipe", "recipe") if isinstance(base, Prepared) else base
        own = {"name": prepared.name, "device": self._device}
        entry = prepared.base_entry.model_copy(update=own)
        if prepared.recipe.max_seq_length is not None:
            limit = {"max_seq_length": prepared.recipe.max_seq_length}
            entry = entry.model_copy(update={**limit, "by_default": entry.by_default - limit.keys()})
        model = load_transformer(entry, located, trainable=True)
        # What is made needs no base beside it.
        merge_adapters(model)
        check_width(prepared.recipe, int(model.get_embedding_dimension() or 0) or _no_width(model), self._where)
        if entry.similarity is not None:
            # Its files have to say what its base's do not.
            model.similarity_fn_name = entry.similarity
        self._profile = make_encoder(model, entry, located.path).profile
        return model

    def _trainer(
        self, model: SentenceTransformer, stopping: Callable[[], bool], *, judge: Any = None, max_steps: int = -1
    ) -> Any:
        from transformers import EarlyStoppingCallback, PrinterCallback

        from bench.training import engine

        recipe = self._prepared.recipe
        data, losses = self._data(model)
        contexts = self._contexts(model)
        settings: dict[str, Any] = {
            "num_train_epochs": recipe.epochs,
            "max_steps": max_steps,
            "per_device_train_batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            "warmup_steps": recipe.warmup,
            "lr_scheduler_type": "constant_with_warmup" if recipe.scheduler == "constant" else recipe.scheduler,
            "seed": recipe.seed,
            "bf16": recipe.precision == "bf16",
            "save_total_limit": _CHECKPOINTS,
            "prompts": _by_set([{name: c.prompt for name, c in part.items() if c.prompt} for part in contexts]),
            "router_mapping": _by_set([{name: c.task for name, c in part.items() if c.task} for part in contexts]),
        }
        weights = [part.weight for part in self._prepared.sets if part.weight is not None]
        if weights:
            settings["multi_dataset_batch_sampler"] = engine.weighted(weights)
        callbacks = [engine.Watch(self._prepared.name, self._stepped, stopping)]
        if judge is not None and recipe.evaluate is not None:
            every = recipe.evaluate.every
            moment = {"strategy": "steps", "steps": every} if every else {"strategy": "epoch"}
            settings |= {f"{what}_{key}": value for what in ("eval", "save") for key, value in moment.items()}
            settings |= {"load_best_model_at_end": True, "greater_is_better": True}
            settings["metric_for_best_model"] = judge.metric
            if recipe.evaluate.patience is not None:
                callbacks.append(EarlyStoppingCallback(recipe.evaluate.patience))
        else:
            # Checkpoints are written by the clock; any other strategy would write one after the last step too.
            settings["save_strategy"] = "no"
        trainer = engine.Trainer(
            self._prepared.plans,
            add_code=self._add_code if self._prepared.entry.trust_remote_code else None,
            model=model,
            args=engine.arguments(self._work, self._device, **settings),
            train_dataset=data,
            loss=losses,
            evaluator=judge,
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        self._total = self._steps(trainer)
        return trainer

    def _add_code(self, folder: Path) -> None:
        """Complete a checkpoint, which is loaded like any other model."""
        complete_code(self._prepared.base_entry, self._prepared.base_folder, folder)

    def _data(self, model: SentenceTransformer) -> tuple[Any, Any]:
        """The data sets and their losses, as the trainer takes them."""
        import datasets

        datasets.disable_progress_bars()
        sets, recipe = self._prepared.sets, self._prepared.recipe
        if len(sets) == 1:
            return datasets.Dataset.from_dict(sets[0].columns), make_loss(model, sets[0].loss, recipe)
        # Torch names a module for each, in which a file's name could not stand.
        names = [str(number) for number in range(len(sets))]
        data = {name: datasets.Dataset.from_dict(part.columns) for name, part in zip(names, sets, strict=True)}
        losses = {name: make_loss(model, part.loss, recipe) for name, part in zip(names, sets, strict=True)}
        return datasets.DatasetDict(data), losses

    def _contexts(self, model: SentenceTransformer) -> list[dict[str, TextContext]]:
        """By data set, what each column is encoded with, tried with its first text."""
        found = []
        for part in self._prepared.sets:
            contexts = column_contexts(self._prepared.entry, self._profile, part)
            for column, context in contexts.items():
                try:
                    model.preprocess(part.columns[column][:1], prompt=context.prompt or None, task=context.task)
                except (ValueError, TypeError, KeyError) as error:
                    raise BenchError(
                        f"cannot encode `{column}` of {part.label}: {error}",
                        where=self._where,
                        hint="a model with a Router takes queries and documents; for other texts it needs a "
                        "`default_route` in router_config.json",
                    ) from error
            found.append(contexts)
        return found

    def _steps(self, trainer: Any) -> int:
        """Steps of the whole training."""
        batches = len(trainer.get_train_dataloader())
        return max(1, -int(-self._prepared.recipe.epochs * batches // 1))

    def _coverage(self, trainer: Any, steps: int) -> list[Coverage]:
        """What so many steps take of each data set."""
        sets = [(part.label, len(part)) for part in self._prepared.sets]
        return cover(trainer.batches(steps), sets, self._prepared.recipe.batch_size)

    def _stepped(self, step: int, loss: float) -> None:
        self._times.append(time.perf_counter())
        self._listener.training(self._prepared.name, step, self._total, loss)

    def _told(self, step: int, metric: str, score: float) -> None:
        self._listener.judged(self._prepared.name, step, metric, score)

    def _take_best(self, trainer: Any, result: Trained) -> None:
        """Note the best checkpoint, whose weights the trainer has loaded at the end."""
        best = trainer.state.best_model_checkpoint
        if best is None or not is_folder(Path(best)):
            raise BenchError(f"the best checkpoint is gone from {self._work}", where=self._where, hint="train again")
        result.best_score = trainer.state.best_metric
        result.best_step = int(Path(best).name.rpartition("-")[2])


def _by_set(values: list[dict[str, str]]) -> dict[str, Any] | None:
    """Values by column as the trainer takes them; with several data sets by the names that these have there."""
    if not any(values):
        return None
    return values[0] if len(values) == 1 else {str(number): part for number, part in enumerate(values)}


def _no_width(model: SentenceTransformer) -> int:
    return int(model.encode(["width"], show_progress_bar=False).shape[1])
