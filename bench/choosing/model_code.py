"""The lines of code that load a model and encode with it as its results were made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bench.choosing.commands import quoted
from bench.results.common import TextInput
from bench.results.folds import FOLDS
from bench.results.schema import ModelInfo

_HUB, _PACKAGE, _RECIPE = "hub:", "package:", "recipe "
# The pooling that the profile of a model of the package model2vec has.
MODEL2VEC = "model2vec"
_CALLS = {"query": "encode_query", "document": "encode_document", "text": "encode"}
_ENDED = """\
# The end token after every text, and after the special tokens that the tokenizer puts around it.
tokenizer = model.tokenizer
whole, bare = (tokenizer("a", add_special_tokens=special)["input_ids"] for special in (True, False))
start = next(at for at in range(len(whole) + 1) if whole[at : at + len(bare)] == bare)
before = tokenizer.convert_ids_to_tokens(whole[:start])
after = [*tokenizer.convert_ids_to_tokens(whole[start + len(bare) :]), tokenizer.eos_token]
special = [(token, tokenizer.convert_tokens_to_ids(token)) for token in {*before, *after}]
end = TemplateProcessing(single=[*before, "$A", *after], special_tokens=special)
tokenizer.backend_tokenizer.post_processor = end"""


def load_lines(model: ModelInfo, dim: int, inputs: Mapping[str, TextInput] | None) -> list[str]:
    """Loading a model at a width, from where results say that it was, with the settings of its entry.

    Args:
        model: The model.
        dim: The leading dimensions to keep.
        inputs: What texts of each role were encoded with; None where the record does not say.
    """
    lines: list[str] = []
    source = model.source
    if source.startswith(_PACKAGE):
        name, _, inner = source.removeprefix(_PACKAGE).partition("/")
        lines.append(f"root = Path(find_spec({_text(name)}).submodule_search_locations[0])")
        place = f"root / {_text(inner)}" if inner else 'next(root.rglob("modules.json")).parent'
        place = f"str({place})"
    elif source.startswith(_RECIPE):
        folder = _text(f"./{model.name}")
        lines.append(
            f"# The folder that this writes: bench export model {quoted(model.name)} {quoted(f'./{model.name}')}"
        )
        place = folder
    elif source.startswith(FOLDS):
        place = _text(f"./{model.name}")
        lines += [
            f"# The score is that of {source.removeprefix(FOLDS)}.",
            f"# To use it, train one on the split `test`, which has all rows, and write its folder to {place}:",
            "# bench export model NAME DIR",
        ]
    else:
        place = _text(source.removeprefix(_HUB))
    if model.pooling == MODEL2VEC:
        return [*lines, _static_model(model, place, dim)]
    arguments = [place, f"truncate_dim={dim}"]
    if model.revision is not None:
        arguments.append(f"revision={_text(model.revision)}")
    if model.trust_remote_code:
        arguments.append("trust_remote_code=True")
    if model.backend not in {None, "torch"}:
        arguments.append(f"backend={_text(str(model.backend))}")
    elif model.dtype not in {None, "float32"}:
        arguments.append(f'model_kwargs={{"dtype": torch.{model.dtype}}}')
    if inputs is None and not source.startswith((_RECIPE, FOLDS)):
        lines.append(f"# Without prompts that models.yaml sets; with them: bench export model {quoted(model.name)} DIR")
    lines.append(f"model = SentenceTransformer({', '.join(arguments)})")
    if model.max_seq_length is not None:
        lines.append(f"model.max_seq_length = {model.max_seq_length}")
    return [*lines, *_settings(model)]


def _static_model(model: ModelInfo, place: str, dim: int) -> str:
    """Loading a model of the package model2vec."""
    if model.revision is not None:
        place = f"snapshot_download({place}, revision={_text(model.revision)})"
    return f"model = StaticModel.from_pretrained({place}, dimensionality={dim}, max_length={model.max_seq_length})"


def _settings(model: ModelInfo) -> list[str]:
    """The settings of an entry that a loaded model is given."""
    lines = []
    for name, value in model.settings.items():
        match name:
            case "pooling":
                lines.append(f"model[1] = Pooling(model[1].embedding_dimension, {_text(str(value))})")
            case "layer_norm":
                lines.append(f"model.append(LayerNorm({model.width}).to(model.device))")
                lines.append("model.append(Normalize())")
            case "padding_side":
                lines.append(f"model.tokenizer.padding_side = {_text(str(value))}")
            case "add_eos_token":
                lines += _ENDED.split("\n")
            case "query_length" | "document_length":
                lines.append(f"model[0].{name} = {int(value)}")
    return lines


def encode_lines(model: ModelInfo, inputs: Mapping[str, TextInput] | None, *, retrieval: bool) -> list[str]:
    """Encoding `documents` and `queries`, or `texts` where nothing is retrieved.

    Args:
        model: The model.
        inputs: What texts of each role were encoded with; None where the record does not say.
        retrieval: Whether it is.
    """
    roles = ("document", "query") if retrieval else ("text",)
    names = {"document": "documents", "query": "queries", "text": "texts"}
    return [
        f"{names[role]} = model.{_call(model, role, names[role], inputs[role] if inputs else None)}" for role in roles
    ]


def _call(model: ModelInfo, role: str, texts: str, given: TextInput | None) -> str:
    if model.pooling == MODEL2VEC:
        prompted = f"[{_text(given.prompt)} + text for text in {texts}]" if given and given.prompt else texts
        return f"encode({prompted})" if model.similarity == "dot" else f"encode({prompted}, normalize=True)"
    arguments, method = [texts], _CALLS[role]
    if given is not None and (given.prompt or given.origin == "entry"):
        arguments.append(f"prompt={_text(given.prompt)}")
    if given is not None and given.task not in {None, role}:
        # encode_query and encode_document pass their own.
        method = "encode"
        arguments.append(f"task={_text(str(given.task))}")
        if not given.prompt and given.origin is None:
            arguments.append('prompt=""')
    if model.padding in {"single", "equal-lengths"}:
        # Its vectors depend on the other texts of a batch.
        arguments.append("batch_size=1")
    # A dot product means the lengths.
    arguments.append(f"normalize_embeddings={model.similarity != 'dot'}")
    return f"{method}({', '.join(arguments)})"


def _text(value: str) -> str:
    """Text from a file as a literal of one line, whatever is in it."""
    return json.dumps(value)
