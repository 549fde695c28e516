"""What is in the store of made models: models, unfinished trainings, their sizes; and removing them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from bench.errors import BenchError
from bench.files import remove_file, write_error
from bench.paths import bytes_if_there, entries, is_folder, path_exists, size_below
from bench.training.checkpoints import last_checkpoint
from bench.training.identity import models_root
from bench.training.record import MadeRecord, read_record
from bench.training.store import name_file, training_lock, unfinished_root

# What is being deleted, so that no half of a model stays under its hash.
_DELETED = ".deleted"


@dataclass(frozen=True)
class MadeModel:
    """A model in the store.

    Attributes:
        identity: Its recipe's hash, which names its folder.
        record: How it was made, None where that cannot be read.
        bytes: Room that it takes.
    """

    identity: str
    record: MadeRecord | None
    bytes: int

    @property
    def name(self) -> str:
        """Its name when it was made; empty where that cannot be read."""
        return self.record.name if self.record else ""


@dataclass(frozen=True)
class UnfinishedTraining:
    """What a training has left that has not come to its end.

    Attributes:
        folder: Where it is.
        identity: Its recipe's hash.
        name: The model's name; empty where it is not known.
        step: The step of the last whole checkpoint, None where there is none.
        going_on: Whether a process is training it now.
        bytes: Room that it takes.
    """

    folder: Path
    identity: str
    name: str
    step: int | None
    going_on: bool
    bytes: int


def made_models() -> list[MadeModel]:
    """All models in the store, in the order of their names."""
    found = []
    for folder in _folders(models_root()):
        if folder == unfinished_root():
            continue
        record = None
        with suppress(BenchError):
            record = read_record(folder)
        found.append(MadeModel(folder.name, record, _size(folder)))
    return sorted(found, key=lambda model: (model.name, model.identity))


def unfinished_trainings() -> list[UnfinishedTraining]:
    """All trainings that have left checkpoints, or what was being deleted, in the order of their names."""
    found = []
    for folder in _folders(unfinished_root()):
        identity = folder.name.partition(".")[0]
        name = ""
        with suppress(ValueError):
            name = (bytes_if_there(name_file(identity)) or b"").decode().strip()
        last = last_checkpoint(folder)
        found.append(
            UnfinishedTraining(folder, identity, name, last[0] if last else None, _locked(identity), _size(folder))
        )
    return sorted(found, key=lambda training: (training.name, training.folder.name))


def delete_model(model: MadeModel) -> bool:
    """Delete a made model, unless a process is making it.

    Returns:
        Whether it was deleted.

    Raises:
        BenchError: It may not be deleted.
    """
    return _delete(models_root() / model.identity, model.identity)


def delete_training(training: UnfinishedTraining) -> bool:
    """Delete the checkpoints of a training, unless it is going on.

    Returns:
        Whether they were deleted.

    Raises:
        BenchError: They may not be deleted.
    """
    deleted = _delete(training.folder, training.identity)
    if deleted:
        remove_file(name_file(training.identity))
    return deleted


def _delete(folder: Path, identity: str) -> bool:
    doomed = unfinished_root() / f"{identity}{_DELETED}"
    try:
        unfinished_root().mkdir(parents=True, exist_ok=True)
        with training_lock(identity).acquire(timeout=0):
            if folder != doomed:
                shutil.rmtree(doomed, ignore_errors=True)
                folder.rename(doomed)
            shutil.rmtree(doomed)
    except Timeout:
        return False
    except OSError as error:
        raise write_error(folder, error) from error
    return True


def _locked(identity: str) -> bool:
    """Whether a process is training a recipe."""
    lock = training_lock(identity)
    if not path_exists(Path(lock.lock_file)):
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        # A cache that cannot be written: nothing trains in it.
        return False


def _folders(root: Path) -> list[Path]:
    return [path for path in entries(root) if is_folder(path)]


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; those that a training removes meanwhile count for nothing."""
    return size_below(folder)
