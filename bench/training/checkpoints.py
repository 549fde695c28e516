"""The checkpoints that a training leaves: a killed process may leave half of one, so whole ones are marked."""

from __future__ import annotations

import re
from pathlib import Path

from bench.paths import matching

_WHOLE = "whole"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_whole(work: Path, step: int) -> None:
    """Mark a checkpoint as written whole.

    Args:
        work: The training's folder.
        step: The checkpoint's step.
    """
    (work / f"checkpoint-{step}" / _WHOLE).touch()


def last_checkpoint(work: Path) -> tuple[int, Path] | None:
    """The newest checkpoint that was written whole, with its step."""
    whole = [path.parent for path in matching(work, f"checkpoint-*/{_WHOLE}")]
    return max(((int(name[1]), path) for path in whole if (name := _NAME.fullmatch(path.name))), default=None)
