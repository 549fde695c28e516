"""What is kept of how a model was made: recipe.json beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import BenchError
from bench.models.registry import Kind
from bench.reading import parse_json, read_text

RECORD = "recipe.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class MadeBase(_Part):
    """What the model was made from."""

    name: str
    fingerprint: str


class MadeData(_Part):
    """One data set that it was trained on.

    Attributes:
        seen: Rows that were in a batch; None where an earlier version did not count, as in the next two.
        batches: Batches of its rows.
        small_batches: Those below half of the recipe's batch_size.
        prompts: What was put before the texts of each column that had a prompt.
    """

    label: str
    shape: str
    rows: int
    loss: str
    weight: float | None
    fingerprint: str
    seen: int | None = None
    batches: int | None = None
    small_batches: int | None = None
    prompts: dict[str, str] = {}


class MadeEvaluation(_Part):
    """Scores of the base and of the best checkpoint, where checkpoints were judged."""

    first: float | None
    best: float | None
    best_step: int | None


class MadeRecord(_Part):
    """How a model was made.

    Attributes:
        training_schema: The way that the program trained in; `schema` in the file.
        bench_version: Of the program that made it.
        created: UTC, ISO 8601.
        identity: The recipe's hash.
        recipe: The keys that the recipe set.
        versions: Of the libraries that trained it.
        leakage_allowed: Whether it may have been trained on what it is tested on.
        seconds: Wall time of the last process's part.
        resumed_from: The step that it went on from.
        weights_sha256: By file.
    """

    training_schema: int = Field(alias="schema")
    bench_version: str
    created: str
    name: str
    kind: Kind
    identity: str
    recipe: dict[str, Any]
    base: MadeBase
    data: list[MadeData]
    versions: dict[str, str]
    leakage_allowed: bool
    steps: int
    seconds: float
    resumed_from: int
    device: str
    evaluation: MadeEvaluation
    weights_sha256: dict[str, str]


def read_record(folder: Path) -> MadeRecord:
    """The record of a made model.

    Args:
        folder: Its folder in the store.

    Raises:
        BenchError: It is not there or broken.
    """
    path = folder / RECORD
    try:
        return MadeRecord.model_validate(parse_json(read_text(path)))
    except BenchError as error:
        reason = error.message
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        reason = f"not a record of a made model: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    except (ValueError, RecursionError) as error:
        reason = f"not JSON: {error}"
    raise BenchError(
        reason,
        where=str(path),
        hint=f"make the model anew: bench cache clear --model {folder.name[:12]}, then bench train",
    )
