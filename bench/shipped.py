"""The models.yaml, recipes and tasks that come with the program."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Where a shipped file or folder is: in the installed package, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_shipped" / name
    return installed if installed.exists() else package.parent / name
