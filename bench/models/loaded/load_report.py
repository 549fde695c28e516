"""What libraries only log while they load a model: weights that do not fit it, and settings that they pass over."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ROW = re.compile(r"^(\S.*?) *\| *(MISSING|UNEXPECTED|MISMATCH|CONVERSION)\b[ |]*(.*?) *$", re.MULTILINE)
_SHAPES = re.compile(r"ckpt: torch\.Size\((\[.*?\])\) vs model: ?torch\.Size\((\[.*?\])\)")
_LOGGERS = ("transformers.modeling_utils", "transformers.integrations.peft", "sentence_transformers")
# Warnings of sentence-transformers over settings that it leaves out.
_PASSED_OVER = (
    "Ignoring unrecognized",
    "Unknown keys in `processing_kwargs`",
    "Ignoring unknown modality",
    "may be silently ignored",
    "Could not parse route_mapping",
)
# Weights that a checkpoint may lack: sentence-transformers pools tokens itself and rarely asks for the pooler.
_BUFFERS = ("position_ids",)
_POOLER = "pooler."
# Leftovers of earlier versions of an architecture that nothing was ever computed with.
_OBSOLETE = re.compile(
    r"(position_ids|token_type_ids|inv_freq|masked_bias|causal_mask|\.attn\.bias|\.attention\.bias|_embeddings\._weight)$"
)
_GROUP = re.compile(r"\{[^}]*\}")
_LISTED = 3


@dataclass(frozen=True)
class _Row:
    model: str
    weight: str
    status: str
    details: str


class LoadReport(logging.Handler):
    """Listens while a model is loaded; weights of other shapes are reported in place of what is raised over them.

    Args:
        where: What messages call the model.
    """

    def __init__(self, where: str) -> None:
        super().__init__(logging.WARNING)
        self._where = where
        self._rows: list[_Row] = []
        self._passed_over: list[str] = []
        self._states: list[tuple[logging.Logger, int, bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what a record says of weights and of settings."""
        text = _ANSI.sub("", record.getMessage())
        if " LOAD REPORT from: " in text:
            model = text.split(" LOAD REPORT", 1)[0]
            self._rows += [_Row(model, *found) for found in _ROW.findall(text)]
        elif any(words in text for words in _PASSED_OVER):
            self._passed_over.append(text.strip().splitlines()[0])

    def __enter__(self) -> LoadReport:
        for logger in map(logging.getLogger, _LOGGERS):
            self._states.append((logger, logger.level, logger.propagate))
            logger.setLevel(logging.WARNING)
            logger.propagate = False
            logger.addHandler(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for logger, level, propagate in self._states:
            logger.removeHandler(self)
            logger.propagate = propagate
            # Not by assignment: loggers remember which levels they are enabled for.
            logger.setLevel(level)
        self._states = []
        if kind is not None and issubclass(kind, Exception):
            self._check_shapes()

    def _check_shapes(self) -> None:
        rows = [row for row in self._rows if row.status == "MISMATCH"]
        if rows:
            raise BenchError(
                "weights have another shape than config.json asks for: " + _listed(_shapes(row) for row in rows),
                where=self._where,
                hint="get the config.json that belongs to the weights (hidden_size, vocab_size, ...)",
            )

    def check(self, model: SentenceTransformer) -> None:
        """Refuse a model that was not loaded as its files say.

        Args:
            model: The loaded model.

        Raises:
            BenchError: Weights are random, weights of its layers were left over, or settings were passed over.
        """
        self._check_shapes()
        pooled = _asks_pooler(model)
        missing = [row for row in self._rows if row.status == "MISSING" and not _optional(row.weight, pooled=pooled)]
        if missing:
            raise BenchError(
                f"weights are not in its files and would be random: {_listed(row.weight for row in missing)}",
                where=self._where,
                hint="copy the whole model again, or check that its config.json belongs to its weights",
            )
        left = [row for row in self._rows if row.status == "UNEXPECTED" and _of_body(row, model)]
        if left:
            raise BenchError(
                f"weights in its files belong to no layer of a {left[0].model} as config.json describes it: "
                + _listed(row.weight for row in left),
                where=self._where,
                hint="get the config.json that belongs to the weights (number of layers, biases, model_type, ...); "
                "if they are left out on purpose, save the model without them",
            )
        if self._passed_over:
            raise BenchError(
                f"sentence-transformers would pass over settings of it: {self._passed_over[0]}",
                where=self._where,
                hint="a newer sentence-transformers or transformers may know them; or remove them on purpose",
            )


def _optional(weight: str, *, pooled: bool) -> bool:
    return any(part in weight for part in _BUFFERS) or (_POOLER in weight and not pooled)


def _asks_pooler(model: SentenceTransformer) -> bool:
    """Whether a vector comes from the pooler of transformers rather than from tokens."""
    return any(
        params.get("method_output_name") == "pooler_output"
        for module in model.modules()
        for params in getattr(module, "modality_config", {}).values()
    )


def _of_body(row: _Row, model: SentenceTransformer) -> bool:
    """Whether a weight that was left over has its place among the layers of the model that was loaded.

    Heads of other tasks have none: their first part names no child of the model.
    """
    if _OBSOLETE.search(row.weight):
        return False
    for network in _networks(model):
        if type(network).__name__ != row.model:
            continue
        name = row.weight.removeprefix(f"{network.base_model_prefix}.") if network.base_model_prefix else row.weight
        children = {child for child, _ in network.named_children()}
        if _GROUP.sub("0", name).split(".", 1)[0] in children:
            return True
    return False


def _networks(model: SentenceTransformer) -> list[Any]:
    """The models of transformers in a model."""
    from transformers import PreTrainedModel

    return [module for module in model.modules() if isinstance(module, PreTrainedModel)]


def _shapes(row: _Row) -> str:
    shapes = _SHAPES.search(row.details)
    return f"{row.weight} is {shapes[1]}, needs {shapes[2]}" if shapes else f"{row.weight} ({row.details})"


def _listed(lines: Iterable[str]) -> str:
    """The first few, in order of their names."""
    found = sorted(lines)
    return ", ".join(found[:_LISTED]) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")
