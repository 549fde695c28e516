"""Stand-in for the configuration in Alibaba-NLP/new-impl."""

from transformers import BertConfig


class NewConfig(BertConfig):
    model_type = "new"
