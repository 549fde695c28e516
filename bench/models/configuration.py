"""What a model's configuration files must say for it to be loaded as its author means."""

from __future__ import annotations

from importlib.util import find_spec

from bench.models.folder import ModelFolder

_SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
_PROMPTS_ALWAYS = ("query", "document")


def check_configuration(folder: ModelFolder, *, similarity: str | None = None) -> None:
    """Refuse configurations that cannot be loaded, or that sentence-transformers would read as something else.

    Args:
        folder: The folder.
        similarity: The similarity that the entry names in place of the folder's.

    Raises:
        BenchError: A key is missing or of a wrong type, or a package that the files need is not installed.
    """
    _check_prompts(folder)
    if similarity is None:
        _check_similarity(folder)
    for place in folder.transformer_folders:
        file = place / "config.json"
        if (place / "adapter_config.json").is_file():
            if find_spec("peft") is None:
                raise folder.error(
                    f"{place / 'adapter_config.json'} makes it an adapter of another model, and the package peft is "
                    "not installed",
                    "pip install peft",
                )
        elif file.is_file():
            settings = folder.read(file)
            own_code = isinstance(settings.get("auto_map"), dict) and "AutoConfig" in settings["auto_map"]
            if not isinstance(settings.get("model_type"), str) and not own_code:
                raise folder.error(
                    f"{file}: the key `model_type` is missing, which names the architecture",
                    'copy config.json from the model again, or add the key, for instance "model_type": "bert"',
                )


def _check_prompts(folder: ModelFolder) -> None:
    file = folder.path / "config_sentence_transformers.json"
    prompts = folder.sentence_config.get("prompts")
    if prompts is None:
        prompts = {}
    if not isinstance(prompts, dict):
        raise folder.error(
            f"{file}: `prompts` must be an object of names and texts, found {_called(prompts)}",
            'write it as {"query": "query: ", "document": "passage: "}, or remove it',
        )
    for name, text in prompts.items():
        if text is not None and not isinstance(text, str):
            raise folder.error(
                f"{file}: `prompts.{name}` must be text, found {_called(text)}", "correct or remove that prompt"
            )
    default = folder.sentence_config.get("default_prompt_name")
    if default is not None and default not in [*prompts, *_PROMPTS_ALWAYS]:
        raise folder.error(
            f"{file}: `default_prompt_name` is {default!r}, which is none of its prompts "
            f"({', '.join(prompts) or 'there are none'})",
            "name one of them, or null for none",
        )


def _check_similarity(folder: ModelFolder) -> None:
    """sentence-transformers passes over a name that it does not know, and compares by cosine."""
    name = folder.sentence_config.get("similarity_fn_name")
    if name is not None and name not in _SIMILARITIES:
        file = folder.path / "config_sentence_transformers.json"
        raise folder.error(
            f"{file}: `similarity_fn_name` is {name!r}; it must be one of {', '.join(_SIMILARITIES)}",
            "correct it, or set it to null for cosine",
        )


def _called(value: object) -> str:
    """What JSON calls a value of its type."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
