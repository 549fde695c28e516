"""The workflow that scores, gates and reports in CI."""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Iterable, Sequence

from bench.scaffold.repository import Repository
from bench.scaffold.templates import filled

_FOLDER = ".github/workflows"


def workflow(
    repository: Repository, needed: Sequence[str], watched: Iterable[str], *, python: str = ""
) -> tuple[str, str]:
    """A workflow for GitHub.

    Args:
        repository: Where the project lies.
        needed: What pip is to install.
        watched: Patterns of files, from the project's folder, whose change makes other vectors.
        python: The version of Python; that of this program by default.

    Returns:
        Its place from the repository's top, and its text.
    """
    top = repository.inner == "."
    prefix = "" if top else f"{repository.inner}/"
    name = "bench.yml" if top else f"bench-{repository.inner.replace('/', '-')}.yml"
    text = filled(
        "workflow.yaml",
        title="bench" if top else f"bench {repository.inner}",
        branch=repository.branch,
        folder=repository.inner,
        prefix=prefix,
        lfs=str(repository.lfs).lower(),
        python=python or ".".join(platform.python_version_tuple()[:2]),
        workflow=name,
        requirements=shlex.join(needed),
        hashed=", ".join(_pattern(f"{prefix}{pattern}") for pattern in watched),
    )
    return f"{_FOLDER}/{name}", text


def _pattern(text: str) -> str:
    """A pattern as an expression of a workflow holds it: what may mean something else there stands for any letter."""
    return "'" + re.sub(r"[^\w./ *-]", "?", text) + "'"
