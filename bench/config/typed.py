"""YAML documents checked against pydantic models, every fault with its file, line, key and a hint."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.config.yaml_document import Location, YamlDocument, read_yaml
from bench.errors import UsageError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)

_SHOWN = 60


def load_typed(model: type[Model], path: Path) -> Model:
    """Read a YAML file into `model`.

    Raises:
        UsageError: The file is not YAML, or does not fit the model; all faults are listed at once.
    """
    return parse_typed(model, read_yaml(path))


def parse_typed(model: type[Model], document: YamlDocument) -> Model:
    """Check an already read document against `model` (see `load_typed`)."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        faults = [_fault(model, document, detail) for detail in error.errors(include_url=False)]
    first, rest = faults[0], faults[1:]
    if rest:
        first.hint = "\n  ".join([first.hint or "", *(f"also: {fault}" for fault in rest)]).strip()
    raise first


def _fault(model: type[BaseModel], document: YamlDocument, detail: Any) -> UsageError:
    # Pydantic adds its own steps (union members and validators' names) to a location: keep those of the file.
    location = _known_part(document, detail["loc"])
    where = document.where(location)
    key = _dotted(location)
    kind = detail["type"]
    if kind == "extra_forbidden":
        name = str(detail["loc"][-1])
        known = sorted(_fields_at(model, detail["loc"][:-1]))
        hint = did_you_mean(name, known) or f"known keys: {', '.join(known)}"
        return UsageError(f"unknown key `{name}`", where=where, hint=hint)
    if kind == "missing":
        name = str(detail["loc"][-1])
        owner = f" in `{key}`" if key else ""
        return UsageError(f"the key `{name}` is missing{owner}", where=where, hint=f"add `{name}: ...`")
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return UsageError(f"`{key or 'the file'}` must be a mapping (`key: value` lines)", where=where)
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    found = detail.get("input")
    if kind != "value_error" and not isinstance(found, dict | list):
        shown = _repr(found)
        message += f", found {shown[:_SHOWN]}{'...' if len(shown) > _SHOWN else ''}"
    return UsageError(f"`{key}`: {message}" if key else message, where=where, hint=_choice_hint(detail))


def _repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:
        # Python writes no number of more than 4,300 digits.
        return "a huge number"


def _choice_hint(detail: Any) -> str | None:
    """The nearest allowed value, where only some are allowed."""
    if detail["type"] != "literal_error":
        return None
    choices = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    return did_you_mean(str(detail["input"]), choices)


def _known_part(document: YamlDocument, loc: tuple[str | int, ...]) -> Location:
    known: Location = ()
    for step in loc:
        if (*known, step) in document.lines:
            known = (*known, step)
    return known


def _dotted(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _fields_at(annotation: Any, loc: tuple[str | int, ...]) -> set[str]:
    """The field names that are allowed at a location, by walking the annotations."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return set().union(*(_fields_at(member, loc) for member in typing.get_args(annotation)))
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _fields_at(typing.get_args(annotation)[0], loc)
    if origin in (list, dict) and loc:
        return _fields_at(typing.get_args(annotation)[-1], loc[1:])
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return set()
    if not loc:
        return {field.alias or name for name, field in annotation.model_fields.items() if not field.exclude}
    field = annotation.model_fields.get(str(loc[0]))
    return _fields_at(field.annotation, loc[1:]) if field else set()
