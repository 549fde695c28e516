"""What a folder holds, by its files alone: encoders of texts load, everything else is refused as what it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from model_folders import configure, load, model2vec, reference, retype, save, static, vectors, with_dense
from support import make_model, make_transformer

from bench.errors import BenchError
from bench.models.folders.folder import ModelFolder
from bench.models.folders.kinds import TWO_TOWERS, assumed_pooling
from bench.models.registry import ModelEntry
from bench.models.source import locate


def refused(folder: Path, **settings: object) -> BenchError:
    """The error of finding a folder: nothing is loaded for it."""
    with pytest.raises(BenchError) as caught:
        locate(ModelEntry(name="m", source=[str(folder)], **settings), download=False)
    assert caught.value.where == "model `m`"
    assert "leave it out" in caught.value.hint
    return caught.value


def say_nothing(folder: Path) -> Path:
    """Without `model_type`, as earlier versions of sentence-transformers wrote folders."""
    configure(folder / "config_sentence_transformers.json", model_type=None)
    return folder


# Sparse models


def splade(folder: Path) -> Path:
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    base = make_transformer(folder.with_name("splade-base"))
    model = SparseEncoder(modules=[Transformer(str(base), transformer_task="fill-mask"), SpladePooling()], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def csr(folder: Path) -> Path:
    from sentence_transformers import SentenceTransformer, SparseEncoder
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    base = SentenceTransformer(str(make_model(folder.with_name("csr-base"))), device="cpu")
    SparseEncoder(modules=[*base, SparseAutoEncoder(32, 64, k=8)], device="cpu").save_pretrained(
        str(folder), create_model_card=False
    )
    return folder


def inference_free(folder: Path) -> Path:
    """Queries by a table of weights, documents by SPLADE, inside of a Router."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.models import Router
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding

    model = SparseEncoder(str(splade(folder.with_name("documents"))), device="cpu")
    router = Router.for_query_document([SparseStaticEmbedding(tokenizer=model.tokenizer)], [model[0], model[1]])
    SparseEncoder(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.mark.parametrize("make", [splade, csr, inference_free])
@pytest.mark.parametrize("earlier", [False, True])
def test_sparse_models(tmp_path, make, earlier):
    folder = make(tmp_path / "sparse")
    error = refused(say_nothing(folder) if earlier else folder)
    assert "a sparse model (SparseEncoder)" in error.message
    assert ("`model_type`" in error.message) is not earlier


@pytest.mark.parametrize(
    "types",
    [
        ["sentence_transformers.sparse_encoder.models.MLMTransformer", "sentence_transformers.models.Normalize"],
        ["sentence_transformers.models.Transformer", "sentence_transformers.sparse_encoder.models.SpladePooling"],
        ["sentence_transformers.sparse_encoder.models.IDF.IDF"],
    ],
)
def test_sparse_models_by_the_classes_of_earlier_versions(tiny_model, types):
    entries = [{"idx": n, "name": str(n), "path": "", "type": kind} for n, kind in enumerate(types)]
    (tiny_model / "modules.json").write_text(json.dumps(entries))
    assert "sparse model" in refused(say_nothing(tiny_model)).message


def test_a_masked_language_model_by_the_task_of_its_transformer(tiny_model):
    configure(tiny_model / "sentence_bert_config.json", transformer_task="fill-mask")
    assert "the `transformer_task` fill-mask" in refused(tiny_model).message


# Models that give a vector for every token


def multi_vector(folder: Path) -> Path:
    from sentence_transformers import MultiVectorEncoder

    model = MultiVectorEncoder(str(make_transformer(folder.with_name("colbert-base"))), device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def pylate(folder: Path) -> Path:
    """As PyLate writes it: a transformer, and a Dense module over its tokens."""
    with_dense(folder)
    retype(folder, lambda entries: [entries.pop(1), entries.pop(1)])
    retype(folder, lambda entries: entries[1].update(type="pylate.models.Dense.Dense"))
    configure(folder / "config_sentence_transformers.json", model_type="ColBERT", query_prefix="[Q] ")
    return folder


def colbert_of_transformers(folder: Path) -> Path:
    make_transformer(folder)
    configure(folder / "config.json", architectures=["HF_ColBERT"])
    return folder


def colbert_of_stanford(folder: Path) -> Path:
    make_transformer(folder)
    configure(folder / "artifact.metadata", query_maxlen=32)
    return folder


def colpali(folder: Path) -> Path:
    make_transformer(folder)
    configure(folder / "config.json", architectures=["ColQwen2ForRetrieval"])
    return folder


def colpali_of_its_own_package(folder: Path) -> Path:
    make_transformer(folder)
    configure(folder / "config.json", architectures=["ColPali"])
    return folder


def tokens_alone(folder: Path) -> Path:
    """A transformer and a Dense module over its tokens, with nothing that pools them."""
    with_dense(folder)
    return retype(folder, lambda entries: [entries.pop(1), entries.pop(1)])


@pytest.mark.parametrize(
    "make",
    [multi_vector, pylate, colbert_of_transformers, colbert_of_stanford, colpali, colpali_of_its_own_package],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_multi_vector_models(tmp_path, make, earlier):
    folder = make(tmp_path / "colbert")
    if earlier and (folder / "modules.json").exists():
        say_nothing(folder)
    assert "a multi-vector model (MultiVectorEncoder, ColBERT)" in refused(folder).message


def test_modules_that_pool_no_tokens(tmp_path):
    with pytest.raises(BenchError, match="makes one vector of a text's tokens") as caught:
        load(tokens_alone(tmp_path / "m"))
    assert "Pooling" in caught.value.hint


# Rerankers and other heads


def classifier(folder: Path) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    make_transformer(folder)
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(folder, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def cross_encoder(folder: Path) -> Path:
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(classifier(folder.with_name("plain"))), device="cpu").save_pretrained(str(folder))
    return folder


def generative_reranker(folder: Path) -> Path:
    """A language model and the module that compares two of its tokens."""
    make_model(folder)
    kind = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"
    return retype(folder, lambda entries: entries[1].update(type=kind))


@pytest.mark.parametrize("make", [cross_encoder, generative_reranker])
@pytest.mark.parametrize("earlier", [False, True])
def test_rerankers(tmp_path, make, earlier):
    folder = make(tmp_path / "reranker")
    if earlier:
        say_nothing(folder)
    assert "a reranker or classifier (CrossEncoder)" in refused(folder).message


@pytest.mark.parametrize(
    "name",
    [
        "BertForSequenceClassification", "XLMRobertaForSequenceClassification", "NewForSequenceClassification",
        "JinaForRanking", "RobertaForTokenClassification", "BertForQuestionAnswering", "LayoutLMForQuestionAnswering",
        "BertForMultipleChoice", "BertForNextSentencePrediction", "LlamaForRewardModel",
    ],
)  # fmt: skip
def test_plain_folders_of_other_heads(tmp_path, name):
    folder = make_transformer(tmp_path / "plain")
    configure(folder / "config.json", architectures=[name])
    for settings in ({}, {"pooling": "mean"}, {"weights": "random"}):
        error = refused(folder, **settings)
        assert f"is a {name} according to `architectures` in config.json" in error.message
        assert "Transformer and Pooling" in error.hint


@pytest.mark.parametrize("key", ["sentence_transformers", "sbert_ce_default_activation_function"])
def test_a_reranker_by_what_earlier_versions_wrote(tmp_path, key):
    folder = make_transformer(tmp_path / "plain")
    configure(folder / "config.json", architectures=["BertModel"], **{key: {"activation_fn": "torch.nn.Identity"}})
    assert f"according to the key `{key}` in config.json" in refused(folder).message


def test_a_dense_model_made_of_a_classifier_is_a_dense_model(tmp_path):
    """modules.json says how texts become vectors; the backbone's own head is not used."""
    folder = make_model(tmp_path / "dense")
    right = vectors(folder)
    configure(folder / "config.json", architectures=["BertForSequenceClassification"])
    np.testing.assert_array_equal(vectors(folder), right)


def test_a_kind_that_does_not_exist_yet(tiny_model):
    configure(tiny_model / "config_sentence_transformers.json", model_type="GraphEncoder")
    assert "is a GraphEncoder according to `model_type`" in refused(tiny_model).message


# Other inputs than texts


def vit(folder: Path) -> Path:
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=8)
    ViTModel(config).save_pretrained(folder)
    configure(folder / "preprocessor_config.json", image_processor_type="ViTImageProcessor")
    return folder


def wav2vec2(folder: Path) -> Path:
    """Models of speech may come with a tokenizer."""
    make_transformer(folder)
    configure(folder / "config.json", model_type="wav2vec2", architectures=["Wav2Vec2Model"])
    return folder


def whisper(folder: Path) -> Path:
    make_transformer(folder)
    configure(folder / "config.json", model_type="whisper", architectures=["WhisperForConditionalGeneration"])
    return folder


def spectrograms(folder: Path) -> Path:
    folder.mkdir()
    configure(folder / "config.json", model_type="some_new_audio", architectures=["SomeModel"])
    configure(folder / "preprocessor_config.json", feature_extractor_type="SomeFeatureExtractor")
    return folder


def images_in_modules(folder: Path) -> Path:
    make_model(folder)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    configure(folder / "preprocessor_config.json", image_processor_type="ViTImageProcessor")
    return folder


@pytest.mark.parametrize(
    ("make", "takes"),
    [(vit, "images"), (images_in_modules, "images"), (wav2vec2, "audio"), (whisper, "audio"), (spectrograms, "audio")],
)
def test_models_of_images_and_of_sounds(tmp_path, make, takes):
    assert f"takes {takes} and no texts" in refused(make(tmp_path / "m")).message


def test_a_loaded_model_that_takes_no_texts(tiny_model):
    """What no file shows, sentence-transformers itself knows of a loaded model."""
    modality = {"image": {"method": "forward", "method_output_name": "last_hidden_state"}}
    configure(tiny_model / "sentence_bert_config.json", modality_config=modality, module_output_name="token_embeddings")
    with pytest.raises(BenchError, match="takes image, no texts"):
        load(tiny_model)


def clip(folder: Path) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig

    words = make_transformer(folder)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    vocabulary = len((words / "vocab.txt").read_text().splitlines())
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config=CLIPTextConfig(**size, vocab_size=vocabulary, eos_token_id=3, max_position_embeddings=48).to_dict(),
        vision_config=CLIPVisionConfig(**size, image_size=16, patch_size=8).to_dict(),
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(folder)
    configure(folder / "preprocessor_config.json", image_processor_type="CLIPImageProcessor")
    return folder


def test_the_text_half_of_clip(tmp_path):
    folder = clip(tmp_path / "clip")
    assert assumed_pooling(ModelFolder(folder, "m")) is None
    encoder = load(folder)
    assert (encoder.profile.width, encoder.profile.pooling) == (16, None)
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)


def test_a_clip_model_of_earlier_versions(tmp_path):
    """As clip-ViT-B-32: one module, in a folder of its own."""
    folder = tmp_path / "clip"
    folder.mkdir()
    clip(folder / "0_CLIPModel")
    entries = [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]
    (folder / "modules.json").write_text(json.dumps(entries))
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)


def test_the_two_towers_are_those_of_transformers():
    """The table of kinds holds what sentence-transformers finds out about each class of the installed transformers."""
    import transformers
    from sentence_transformers.base.modules import transformer
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    found = set()
    for kind, names in MODEL_MAPPING_NAMES.items():
        name = names if isinstance(names, str) else names[0]
        try:
            model = getattr(transformers, name)
            fields = transformer.Transformer._get_method_output_fields(model.forward)
            towers = hasattr(model, "get_text_features") and fields and "last_hidden_state" not in fields
        except (ImportError, AttributeError):
            continue
        if towers and kind not in transformer._FEATURE_EXTRACTION_EDGE_CASES:
            found.add(kind)
    edge = {
        kind
        for kind, (_, output, _) in transformer._FEATURE_EXTRACTION_EDGE_CASES.items()
        if output == "sentence_embedding"
    }
    assert found | edge == TWO_TOWERS


# The pooling of folders that state none


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"architectures": ["BertModel"]}, "mean"),
        ({"architectures": ["BertForMaskedLM"]}, "mean"),
        ({"architectures": []}, "mean"),
        ({"architectures": None}, "mean"),
        ({"architectures": ["BertLMHeadModel"]}, "mean"),
        ({"architectures": ["BertForCausalLM"]}, "lasttoken"),
        ({"architectures": ["BertForCausalLM"], "is_causal": False}, "mean"),
    ],
)
def test_the_pooling_that_is_assumed_is_that_of_sentence_transformers(tmp_path, config, mode):
    folder = make_transformer(tmp_path / "plain")
    configure(folder / "config.json", **config)
    found = assumed_pooling(ModelFolder(folder, "m"))
    assert found is not None
    assert (found.mode, load(folder).profile.pooling) == (mode, mode)
    assert found.reason


@pytest.mark.parametrize("make", [make_model, static, model2vec])
def test_folders_that_state_how_vectors_are_made(tmp_path, make):
    assert assumed_pooling(ModelFolder(make(tmp_path / "m"), "m")) is None


def test_a_static_model_with_a_dense_module_is_not_taken_for_model2vec(tmp_path):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    torch.manual_seed(0)
    folder = save([SentenceTransformer(str(static(tmp_path / "s")), device="cpu")[0], Dense(16, 4)], tmp_path / "m")
    np.testing.assert_allclose(vectors(folder), reference(folder), atol=1e-6)
