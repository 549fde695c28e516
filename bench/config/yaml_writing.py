"""YAML written so that no text in it acts on a reader of the file."""

from __future__ import annotations

from typing import Any

import yaml

from bench.neutral import neutral, neutral_json


class _Dumper(yaml.SafeDumper):
    """Puts in double quotes what can only be written there with escapes."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if neutral(text) != text or "::" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def dump_yaml(value: Any, **options: Any) -> str:
    """A value as YAML, its keys in their order; it reads as the same value.

    Args:
        value: Mappings, lists and scalars.
        options: Of yaml.dump.
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **options)
    # YAML's escapes in double quotes are those of JSON; beyond the basic plane it has written them itself.
    return neutral_json(text)
