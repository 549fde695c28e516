"""Stand-in for the configuration in nomic-ai/nomic-bert-2048; transformers has another class of this model_type."""

from transformers import BertConfig


class NomicBertConfig(BertConfig):
    model_type = "nomic_bert"
