"""The checkpoints that a training leaves: a killed process may leave half of one, so whole ones are marked."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

from bench.files import write_error
from bench.models.manifest import MANIFEST, NoManifestError, damage, write_manifest
from bench.paths import matching

_LOG = logging.getLogger(__name__)
_WHOLE = "whole"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_whole(work: Path, step: int) -> None:
    """Mark a checkpoint as written whole.

    Args:
        work: The training's folder.
        step: The checkpoint's step.
    """
    (work / f"checkpoint-{step}" / _WHOLE).touch()


def list_files(work: Path, step: int) -> None:
    """List the files of a checkpoint with their digests, its mark among them (see bench.models.manifest)."""
    folder = work / f"checkpoint-{step}"
    write_manifest(folder, folder / MANIFEST)


def last_checkpoint(work: Path) -> tuple[int, Path] | None:
    """The newest checkpoint that was written whole, with its step."""
    whole = [path.parent for path in matching(work, f"checkpoint-*/{_WHOLE}")]
    return max(((int(name[1]), path) for path in whole if (name := _NAME.fullmatch(path.name))), default=None)


def drop_damaged(work: Path) -> None:
    """Remove the checkpoints whose files are not as they were written, with a warning; training goes on without them.

    Raises:
        BenchError: One cannot be read, or not be removed.
    """
    for mark in matching(work, f"checkpoint-*/{_WHOLE}"):
        if wrong := _damage(mark.parent):
            _LOG.warning("damaged: %s in %s; training goes on without it", ", ".join(wrong), mark.parent)
            try:
                shutil.rmtree(mark.parent)
            except OSError as error:
                raise write_error(mark.parent, error) from error


def _damage(checkpoint: Path) -> list[str]:
    try:
        return damage(checkpoint, checkpoint / MANIFEST)
    except NoManifestError:
        # Of an earlier version.
        return []
