"""YAML read safely, with the line of every key kept for error messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError, UsageError
from bench.paths import is_folder, path_exists
from bench.reading import read_text

Location = tuple[str | int, ...]

_MAX_NODES = 100_000
_MAX_EXPANDED = 5_000_000
_MAX_DEPTH = 100
# A key is its text, whatever type its looks would give it (`on`, `1`).
_KEY_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass
class YamlDocument:
    """A YAML file as plain Python values.

    Attributes:
        path: Where it was read from.
        data: Mappings, lists and scalars.
        lines: The 1-based line of every key and list item, by its location.
    """

    path: Path
    data: Any
    lines: dict[Location, int] = field(default_factory=dict)

    def where(self, location: Location) -> str:
        """`file, line N` of the innermost known part of `location`."""
        for end in range(len(location), -1, -1):
            line = self.lines.get(location[:end])
            if line is not None:
                return f"{self.path}, line {line}"
        return str(self.path)


class _Loader(yaml.SafeLoader):
    """Reads nodes that are nested to a limit, so that Python's own limit is never met without a line."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The node that comes next."""
        if self.depth == _MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {_MAX_DEPTH} levels deep",
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Builder:
    """Turns PyYAML nodes into values: no tags that construct objects, no loops, no duplicate keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Location, int] = {}
        self.scalars = yaml.constructor.SafeConstructor()
        self.open: set[int] = set()
        self.count = 0

    def error(self, message: str, mark: yaml.Mark, hint: str | None = None) -> UsageError:
        return UsageError(message, where=f"{self.path}, line {mark.line + 1}", hint=hint)

    def build(self, node: yaml.Node, location: Location) -> Any:
        mark = node.start_mark
        self.lines.setdefault(location, mark.line + 1)
        self.count += 1
        if self.count > _MAX_NODES:
            raise self.error(f"more than {_MAX_NODES:,} values after expanding aliases", mark)
        if len(self.open) > _MAX_DEPTH:
            raise self.error(f"nested more than {_MAX_DEPTH} levels deep after expanding aliases", mark)
        if id(node) in self.open:
            raise self.error("an anchor contains itself", mark, "remove the alias (`*name`) that closes the loop")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if node.tag not in {"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}:
            raise self.error(f"the tag {node.tag} is not allowed", mark, "use plain lists and mappings")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*location, index)) for index, child in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, location)
        finally:
            self.open.discard(id(node))
        raise self.error(f"unsupported YAML node {node.tag}", mark)

    def scalar(self, node: yaml.ScalarNode) -> Any:
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            raise self.error(f"the tag {node.tag} is not allowed", node.start_mark, "use plain values")
        try:
            value = self.scalars.construct_object(node)
            if isinstance(value, str):
                value.encode("utf-8")
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
            # PyYAML's constructors trip in many ways over a value that does not fit its tag.
            raise self.error(
                f"cannot read {node.value[:60]!r} as {node.tag.rsplit(':', 1)[-1]}",
                node.start_mark,
                "write a plain value",
            ) from error
        return value

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _KEY_TAGS:
                raise self.error("keys must be plain names", mark)
            key = key_node.value
            if key in result:
                first = self.lines[(*location, key)]
                raise self.error(f"the key `{key}` stands twice", mark, f"it is first set in line {first}")
            self.lines[(*location, key)] = mark.line + 1
            result[key] = self.build(value_node, (*location, key))
        return result


def plain_yaml(text: str) -> Any:
    """The value of the YAML that a file of others begins with, as PyYAML reads it safely.

    Raises:
        ValueError: It is broken, nested too deeply, names tags that construct objects, or is too large when its
            aliases are expanded.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None
        if _expanded(node, {}) > _MAX_EXPANDED:
            raise ValueError(f"more than {_MAX_EXPANDED:,} values after expanding aliases")
        return yaml.constructor.SafeConstructor().construct_document(node)
    except (yaml.YAMLError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from error


def _expanded(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node has where each alias is a copy of what it names."""
    if id(node) in known:
        return known[id(node)]
    if not isinstance(node, yaml.CollectionNode):
        return 1
    # What contains itself has no end.
    known[id(node)] = _MAX_EXPANDED + 1
    pairs = isinstance(node, yaml.MappingNode)
    inner = [each for pair in node.value for each in pair] if pairs else node.value
    known[id(node)] = 1 + sum(_expanded(each, known) for each in inner)
    return known[id(node)]


def read_yaml(path: Path) -> YamlDocument:
    """Read one YAML document.

    Raises:
        UsageError: Not a file, not readable, not UTF-8, not YAML, empty, tabs as indents, duplicate keys, anchors that
            loop, or tags other than YAML's own scalars.
    """
    try:
        there, folder = path_exists(path), is_folder(path)
    except BenchError as error:
        raise UsageError(error.message, where=error.where, hint=error.hint) from error
    if not there:
        raise UsageError("no such file", where=str(path), hint="check the path")
    if folder:
        raise UsageError("is a folder, not a YAML file", where=str(path))
    try:
        text = read_text(path)
    except BenchError as error:
        raise UsageError(error.message, where=error.where, hint=error.hint) from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> YamlDocument:
    """The YAML document in a text (see `read_yaml`).

    Args:
        text: The text.
        path: The file that it is or will be in, for messages.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        lines = text.split("\n")
        tab = "\t" in lines[line - 1] if line <= len(lines) else False
        raise UsageError(
            f"not valid YAML: {error.problem or error.context}",
            where=f"{path}, line {line}",
            hint="indent with spaces: YAML does not allow tabs" if tab else "check the indents and quotes there",
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"not valid YAML: {error}", where=str(path)) from error
    if node is None:
        raise UsageError("the file is empty", where=str(path), hint="see models.yaml in the README for a start")
    builder = _Builder(path)
    return YamlDocument(path, builder.build(node, ()), builder.lines)
