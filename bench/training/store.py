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
from bench.cache import sha256_of
from bench.files import write_error, write_json, write_text
from bench.models.source import weight_files
from bench.training.identity import TRAINING_SCHEMA, Prepared, library_versions, models_root
from bench.training.outcome import Trained


def work_folder(prepared: Prepared) -> Path:
    """Where a model's checkpoints are kept until it is made."""
    return models_root() / "unfinished" / prepared.identity


@contextmanager
def being_made(prepared: Prepared, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to train a recipe, so that no two processes train the same.

    Args:
        prepared: The recipe.
        on_wait: Called once when another process is at it.

    Raises:
        BenchError: The cache cannot be written.
    """
    folder = models_root() / "unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{prepared.identity}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        yield
    finally:
        lock.release()


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
    work = work_folder(prepared)
    whole = work / "made"
    try:
        shutil.rmtree(whole, ignore_errors=True)
        trained.model.save_pretrained(str(whole / prepared.made.name), create_model_card=False)
        record = _record(prepared, trained, whole / prepared.made.name)
        write_json(whole / "recipe.json", record)
        write_json(whole / "audit.json", audits)
        write_json(whole / "environment.json", environment.describe())
        write_text(whole / "log.jsonl", "".join(json.dumps(row) + "\n" for row in trained.log))
        write_text(whole / prepared.made.name / "README.md", _card(record))
        whole.rename(prepared.folder)
        shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise write_error(prepared.folder, error) from error
    return prepared.folder


def _record(prepared: Prepared, trained: Trained, folder: Path) -> dict[str, Any]:
    base = prepared.entry.base_entry
    return {
        "schema": TRAINING_SCHEMA,
        "bench_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": prepared.name,
        "kind": prepared.entry.kind,
        "identity": prepared.identity,
        "recipe": prepared.recipe.model_dump(mode="json", exclude_unset=True),
        "base": {"name": base.name if base else "", "fingerprint": prepared.base_fingerprint},
        "data": [
            {
                "label": part.label,
                "shape": part.shape,
                "rows": len(part),
                "loss": part.loss,
                "weight": part.weight,
                "fingerprint": part.fingerprint,
            }
            for part in prepared.sets
        ],
        "versions": library_versions(),
        "leakage_allowed": prepared.entry.leakage,
        "steps": trained.steps,
        "seconds": round(trained.seconds, 3),
        "resumed_from": trained.resumed_from,
        "device": trained.device,
        "evaluation": {
            "first": trained.first_score,
            "best": trained.best_score,
            "best_step": trained.best_step,
        },
        "weights_sha256": {path.relative_to(folder).as_posix(): sha256_of(path) for path in weight_files(folder)},
    }


def _card(record: dict[str, Any]) -> str:
    """The model card: what it is and how it was made, without its scores, which results/ has."""
    lines = ["---", "library_name: sentence-transformers", "pipeline_tag: sentence-similarity"]
    lines += ["tags: [sentence-transformers, sentence-similarity, feature-extraction]", "---", ""]
    lines += [f"# {record['name']}", ""]
    lines += [f"A sentence-transformers model ({record['kind']}), made by bench {record['bench_version']} from", ""]
    lines += [f"- base: {record['base']['name']}, fingerprint `{record['base']['fingerprint']}`"]
    for data in record["data"]:
        lines.append(f"- data: {data['label']}, {data['rows']:,} rows ({data['shape']}), loss {data['loss']}")
    lines += [f"- {record['steps']:,} steps on {record['device']}", f"- recipe's hash: `{record['identity']}`", ""]
    if record["leakage_allowed"]:
        lines += ["It may have been trained on data that it is tested on: its recipe allows leakage.", ""]
    recipe = json.dumps(record["recipe"], indent=2, ensure_ascii=False)
    lines += ["The recipe:", "", "```json", recipe, "```", "", "The libraries:", ""]
    lines += [f"- {name} {version}" for name, version in record["versions"].items()]
    return "\n".join(lines) + "\n"
