"""The store of made models: a folder a recipe's hash, which appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench import __version__, environment
from bench.cache import sha256_in_full, sha256_of
from bench.errors import BenchError
from bench.files import write_error, write_json, write_text
from bench.models.export.portable import complete_code
from bench.models.folders.folder import SENTENCE_CONFIG
from bench.models.folders.weights import weight_files
from bench.models.manifest import MANIFEST, NoManifestError, damage, write_manifest
from bench.neutral import neutral
from bench.reading import read_text
from bench.training.card import model_card
from bench.training.identity import TRAINING_SCHEMA, Prepared, library_versions, models_root
from bench.training.outcome import Trained
from bench.training.record import RECORD, MadeBase, MadeData, MadeEvaluation, MadeRecord, read_record


def unfinished_root() -> Path:
    """The folder of trainings that have not come to their end."""
    return models_root() / "unfinished"


def work_folder(prepared: Prepared) -> Path:
    """Where a model's checkpoints are kept until it is made."""
    return unfinished_root() / prepared.identity


def name_file(identity: str) -> Path:
    """The file that says, for people, which model is being made."""
    return unfinished_root() / f"{identity}.name"


def training_lock(identity: str) -> FileLock:
    """What a process holds while it trains a recipe; it goes when the process does, however that ends."""
    return FileLock(unfinished_root() / f"{identity}.lock")


@contextmanager
def being_made(prepared: Prepared, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to train a recipe, so that no two processes train the same.

    Args:
        prepared: The recipe.
        on_wait: Called once when another process is at it.

    Raises:
        BenchError: The cache cannot be written.
    """
    folder = unfinished_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = training_lock(prepared.identity)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        if not prepared.is_made:
            write_text(name_file(prepared.identity), f"{neutral(prepared.name)}\n")
        yield
    finally:
        lock.release()


def damaged_files(prepared: Prepared) -> list[str]:
    """The files of a made model that are missing or not as they were made.

    Raises:
        BenchError: It cannot be read.
    """
    folder = prepared.folder
    try:
        wrong = damage(folder, folder / MANIFEST)
    except NoManifestError:
        wrong = _weights_damaged(folder, prepared.made)
        if not wrong:
            # Of an earlier version: what its record knows is as it was.
            write_manifest(folder, folder / MANIFEST)
    return wrong


def _weights_damaged(folder: Path, model: Path) -> list[str]:
    """The weights of a model without a list of its files that are not those in its record."""
    try:
        recorded = read_record(folder).weights_sha256
    except BenchError:
        return [RECORD]
    found = {path.relative_to(model).as_posix(): sha256_in_full(path) for path in weight_files(model)}
    return sorted(name for name in found.keys() | recorded.keys() if found.get(name) != recorded.get(name))


def keep(prepared: Prepared, trained: Trained, audits: list[dict[str, Any]]) -> Path:
    """Store a made model with its records, and remove its checkpoints.

    Args:
        prepared: Its recipe.
        trained: What training gave.
        audits: What the audit found of its training data in tests.

    Returns:
        The folder: `model`, `recipe.json`, `log.jsonl`, `environment.json` and `audit.json`.

    Raises:
        BenchError: The disk is full or cannot be written.
    """
    from safetensors import SafetensorError

    work = work_folder(prepared)
    whole = work / "made"
    try:
        shutil.rmtree(whole, ignore_errors=True)
        _save(prepared, trained, whole / prepared.made.name)
        record = _record(prepared, trained, whole / prepared.made.name)
        write_json(whole / RECORD, record.model_dump(mode="json", by_alias=True))
        write_json(whole / "audit.json", audits)
        write_json(whole / "environment.json", environment.describe())
        write_text(whole / "log.jsonl", "".join(json.dumps(row) + "\n" for row in trained.log))
        write_text(whole / prepared.made.name / "README.md", model_card(record))
        write_manifest(whole, whole / MANIFEST)
        shutil.rmtree(prepared.folder, ignore_errors=True)
        whole.rename(prepared.folder)
        shutil.rmtree(work, ignore_errors=True)
        name_file(prepared.identity).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(prepared.folder, error) from error
    except SafetensorError as error:
        # It wraps the system's error in words.
        raise write_error(prepared.folder, OSError(str(error))) from error
    return prepared.folder


def _save(prepared: Prepared, trained: Trained, folder: Path) -> None:
    """Write the model with what its base's folder has and the library does not write."""
    trained.model.save_pretrained(str(folder), create_model_card=False)
    if prepared.entry.trust_remote_code:
        complete_code(prepared.base_entry, prepared.base_folder, folder)
    stated = prepared.stated
    if stated.default_prompt is not None or stated.truncate_dim is not None:
        # The library adds empty prompts for queries and documents, which would replace a default one.
        config = json.loads(read_text(folder / SENTENCE_CONFIG))
        kept = {"prompts": dict(stated.prompts), "default_prompt_name": stated.default_prompt}
        write_json(folder / SENTENCE_CONFIG, {**config, **kept, "truncate_dim": stated.truncate_dim})


def _record(prepared: Prepared, trained: Trained, folder: Path) -> MadeRecord:
    base = prepared.entry.base_entry
    return MadeRecord(
        schema=TRAINING_SCHEMA,
        bench_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        name=prepared.name,
        kind=prepared.entry.kind,
        identity=prepared.identity,
        recipe=prepared.recipe.model_dump(mode="json", exclude_unset=True),
        base=MadeBase(name=base.name if base else "", fingerprint=prepared.base_fingerprint),
        data=[
            MadeData(
                label=part.label,
                shape=part.shape,
                rows=len(part),
                loss=part.loss,
                weight=part.weight,
                fingerprint=part.fingerprint,
                seen=found.seen,
                batches=found.batches,
                small_batches=found.small,
                prompts=prompts,
            )
            for part, prompts, found in zip(prepared.sets, prepared.prompts, trained.coverage, strict=True)
        ],
        versions=library_versions(),
        leakage_allowed=prepared.entry.leakage,
        steps=trained.steps,
        seconds=round(trained.seconds, 3),
        resumed_from=trained.resumed_from,
        device=trained.device,
        evaluation=MadeEvaluation(first=trained.first_score, best=trained.best_score, best_step=trained.best_step),
        weights_sha256={path.relative_to(folder).as_posix(): sha256_of(path) for path in weight_files(folder)},
    )
