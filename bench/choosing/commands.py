"""Command lines that measure what an answer lacks."""

from __future__ import annotations

import shlex

from bench.index_layout import FEWEST_DOCUMENTS, MOST_DOCUMENTS
from bench.views import View


def score_command(task: str, model: str, view: View) -> str:
    """Scores one view of a model."""
    return " ".join(["bench run", *_names(task, model), *_view(view), "--no-cost"])


def cost_command(task: str, model: str, *, again: bool = False) -> str:
    """Measures what a model costs on a task.

    Args:
        task: The task.
        model: The model.
        again: Whether it has been measured before.
    """
    return " ".join(["bench cost", *_names(task, model), *(["--force"] if again else [])])


def cascade_command(task: str, model: str) -> str:
    """Measures what both stages of cascades take, of a model whose other costs are known."""
    return " ".join(["bench cost --probes rerank", *_names(task, model), "--force"])


def corpus_command(task: str, model: str, view: View, documents: int) -> str | None:
    """Measures searching a number of documents at a view; None where bench cannot make a corpus of that size."""
    if not FEWEST_DOCUMENTS <= documents <= MOST_DOCUMENTS:
        return None
    return " ".join(["bench cost", f"--corpus-size {documents:_}", *_names(task, model), *_view(view)])


def _names(task: str, model: str) -> list[str]:
    return [f"--tasks {quoted(task)}", f"--model {quoted(model)}"]


def _view(view: View) -> list[str]:
    return [f"--truncate-dims {view.truncate_dim}", f"--precisions {view.precision}"]


def quoted(name: str) -> str:
    """A name from a file as one word on one line."""
    return shlex.quote(" ".join(name.split()))
