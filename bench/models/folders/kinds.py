"""What kind of model a folder holds, judged by its files alone, and the pooling of one that states none.

sentence-transformers loads whatever it is given: of a sparse model, a reranker or a classifier it takes the
transformer and averages its tokens. Those are refused as what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.errors import BenchError
from bench.models.folders.folder import ADAPTER, SENTENCE_CONFIG, ModelFolder, Module
from bench.models.folders.weights import is_tokenizer
from bench.models.loaded.model2vec import is_model2vec
from bench.paths import entries, has_file, is_folder


class _Other(NamedTuple):
    """A kind of model that bench does not score.

    Attributes:
        name: What it is.
        gives: What it gives in place of one dense vector a text.
    """

    name: str
    gives: str


_SPARSE = _Other("a sparse model (SparseEncoder)", "it gives weights of words")
_RERANKER = _Other("a reranker or classifier (CrossEncoder)", "it gives scores or labels of texts")
_MULTI_VECTOR = _Other("a multi-vector model (MultiVectorEncoder, ColBERT)", "it gives a vector for every token")
_LEAVE_OUT = "leave it out: bench scores models that give one dense vector a text"
_ON_PURPOSE = (
    "leave it out; to score its encoder on purpose, save it as a sentence-transformers folder (Transformer and Pooling)"
)

# By `model_type` in config_sentence_transformers.json; PyLate writes ColBERT.
_MODEL_TYPES = {
    "SparseEncoder": _SPARSE,
    "CrossEncoder": _RERANKER,
    "MultiVectorEncoder": _MULTI_VECTOR,
    "ColBERT": _MULTI_VECTOR,
}
# By a part of the class path in modules.json; folders written by earlier versions have no `model_type`.
_PACKAGES = {
    "sparse_encoder": _SPARSE,
    "cross_encoder": _RERANKER,
    "multi_vector_encoder": _MULTI_VECTOR,
    "pylate": _MULTI_VECTOR,
}
_CLASSES = {
    **dict.fromkeys(
        "SpladePooling MLMTransformer SparseAutoEncoder CSRSparsity SparseStaticEmbedding IDF".split(), _SPARSE
    ),
    "MultiVectorMask": _MULTI_VECTOR,
    "LogitScore": _RERANKER,
}
# By `transformer_task` of a Transformer module.
_TASKS = {"sequence-classification": _RERANKER, "fill-mask": _SPARSE, "retrieval": _MULTI_VECTOR}
# Modules that make one vector of a text.
_POOLED = frozenset({"Pooling", "StaticEmbedding", "BoW", "CLIPModel"})
# By `task_type` of an adapter.
_ADAPTED_HEADS = frozenset({"SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS"})
# Keys of config.json that earlier versions of CrossEncoder wrote.
_RERANKER_KEYS = ("sentence_transformers", "sbert_ce_default_activation_function")
_LATE_INTERACTION = re.compile(r"(^HF_ColBERT|^Col[A-Z]\w*|ColBERT\w*|ForRetrieval)$")
# Heads whose models are no encoders of texts: what their hidden states mean was never trained for.
_HEADS = re.compile(
    r"For(SequenceClassification|TokenClassification|\w*QuestionAnswering|MultipleChoice|NextSentencePrediction"
    r"|\w*Ranking|\w*RewardModel|CTC|XVector|SpeechSeq2Seq|SpeechToText|TextToSpeech|Audio\w+|Image(?!Text)\w+|Video\w+"
    r"|MaskedImageModeling|DepthEstimation|\w*ObjectDetection|\w*Segmentation|\w*Prediction)$"
)
_AUDIO_TYPES = re.compile(
    r"^(whisper|wav2vec2|hubert|wavlm|unispeech|sew|speech|moonshine|parakeet|data2vec-audio|audio-|encodec)"
)
# Models of transformers whose text and image halves give a vector each: sentence-transformers pools no tokens of them.
TWO_TOWERS = frozenset(
    (
        "aimv2 align altclip blip chinese_clip clap clip clipseg clvp groupvit metaclip_2 owlv2 owlvit sam3_lite_text "
        "siglip siglip2 tipsv2 videoprism vision-text-dual-encoder xclip"
    ).split()
)


def check_kind(folder: ModelFolder) -> None:
    """Refuse a folder that holds another kind of model than an encoder of texts into single dense vectors.

    What sentence-transformers wrote goes before what config.json says of the backbone: a dense model may well have
    been made from a classifier.

    Raises:
        BenchError: It is of another kind, or a file that says so is broken.
    """
    kind = folder.sentence_config.get("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        other = _MODEL_TYPES.get(str(kind), _Other(f"a {kind}", "a kind of model that bench does not know"))
        raise _refused(folder, other, f"`model_type` in {SENTENCE_CONFIG}")
    if folder.modules is None:
        _check_backbone(folder)
    if is_model2vec(folder) and has_file(folder.path / "pipeline.skops"):
        raise _refused(folder, _RERANKER, "pipeline.skops")
    for module in folder.all_modules:
        _check_module(folder, module)
    if folder.modules is not None and not any(_pools(folder, module) for module in folder.all_modules):
        last = folder.modules[-1]
        raise folder.error(
            f"no module of modules.json makes one vector of a text's tokens; the last is {last.name}",
            "add a Pooling module, or copy the whole model folder again",
        )
    for place in folder.transformer_folders:
        _check_modality(folder, place)


def _check_module(folder: ModelFolder, module: Module) -> None:
    parts = module.type.split(".")
    other = next((_PACKAGES[part] for part in parts if part in _PACKAGES), _CLASSES.get(module.name))
    if other is not None:
        raise _refused(folder, other, f"the module {module.type} in {module.named_in.name}")
    if module.is_transformer:
        task = folder.transformer_settings(module.folder).get("transformer_task")
        if task in _TASKS:
            raise _refused(folder, _TASKS[task], f"the `transformer_task` {task} of its Transformer")


def _pools(folder: ModelFolder, module: Module) -> bool:
    """Whether a module may give a vector a text; of classes that are not sentence-transformers' nobody can say."""
    if not module.bundled or module.name in _POOLED:
        return True
    if module.is_transformer:
        return folder.transformer_settings(module.folder).get("module_output_name") == "sentence_embedding"
    return False


def _check_backbone(folder: ModelFolder) -> None:
    """What config.json says, of a folder that nothing else describes."""
    for architecture in architectures(folder.config):
        if _LATE_INTERACTION.search(architecture):
            raise _refused(folder, _MULTI_VECTOR, f"`architectures` ({architecture}) in config.json")
        if _HEADS.search(architecture):
            other = _Other(
                f"a {architecture}",
                "a reranker, classifier or the like, trained to give scores or labels and not vectors of texts",
            )
            raise _refused(folder, other, "`architectures` in config.json", _ON_PURPOSE)
    task = folder.read(folder.path / ADAPTER).get("task_type")
    if task in _ADAPTED_HEADS:
        raise _refused(folder, _RERANKER, f"`task_type` ({task}) in {ADAPTER}", _ON_PURPOSE)
    for key in _RERANKER_KEYS:
        if key in folder.config:
            raise _refused(folder, _RERANKER, f"the key `{key}` in config.json", _ON_PURPOSE)
    if has_file(folder.path / "artifact.metadata"):
        raise _refused(folder, _MULTI_VECTOR, "artifact.metadata")


def _refused(folder: ModelFolder, other: _Other, evidence: str, hint: str = _LEAVE_OUT) -> BenchError:
    return folder.error(f"is {other.name} according to {evidence}: {other.gives}", hint)


def architectures(config: dict[str, Any]) -> list[str]:
    """The names under `architectures` in a config.json."""
    names = config.get("architectures")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


class _Modality(NamedTuple):
    takes: str
    evidence: str


def _check_modality(folder: ModelFolder, place: Path) -> None:
    found = _other_modality(folder, place)
    if found is not None:
        raise folder.error(
            f"takes {found.takes} and no texts according to {found.evidence}",
            "leave it out; of a model with a text half, copy the whole folder with its tokenizer",
        )


def _other_modality(folder: ModelFolder, place: Path) -> _Modality | None:
    """What a transformer takes in, where that is not text."""
    kind = str(folder.read(place / "config.json").get("model_type", ""))
    if _AUDIO_TYPES.search(kind):
        return _Modality("audio", f"`model_type` ({kind}) in config.json")
    if not is_folder(place) or any(is_tokenizer(path) for path in entries(place)):
        return None
    for name in ("preprocessor_config.json", "processor_config.json"):
        settings = folder.read(place / name)
        if "feature_extractor_type" in settings or "feature_extractor" in settings:
            return _Modality("audio", f"{name}, and there is no tokenizer")
        if settings:
            return _Modality("images", f"{name}, and there is no tokenizer")
    return None


@dataclass(frozen=True)
class AssumedPooling:
    """How the tokens of a plain transformers model are pooled, as nothing in its folder says.

    Attributes:
        mode: The mode, as sentence-transformers calls it.
        reason: Why this one.
    """

    mode: Literal["mean", "lasttoken"]
    reason: str


def assumed_pooling(folder: ModelFolder) -> AssumedPooling | None:
    """The pooling that sentence-transformers assumes for a folder; None where its files state what is done.

    Raises:
        BenchError: A configuration file is broken.
    """
    if folder.modules is not None or is_model2vec(folder):
        return None
    _, config = folder.backbone(folder.path)
    if config.get("model_type") in TWO_TOWERS:
        return None
    names = architectures(config)
    if names and names[0].endswith("ForCausalLM") and config.get("is_causal", True):
        return AssumedPooling("lasttoken", f"{names[0]} reads texts from left to right")
    return AssumedPooling("mean", "it is what most encoders are trained with")
