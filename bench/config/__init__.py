"""Configuration files: YAML with positions, checked against pydantic models."""

from bench.config.typed import load_typed, parse_typed
from bench.config.yaml_document import YamlDocument, parse_yaml, read_yaml
from bench.config.yaml_writing import dump_yaml

__all__ = ["YamlDocument", "dump_yaml", "load_typed", "parse_typed", "parse_yaml", "read_yaml"]
