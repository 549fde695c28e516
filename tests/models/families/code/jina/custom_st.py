"""Stand-in for custom_st.py of jinaai/jina-embeddings-v3: an older kind of first module, with a `task` of its own."""

import json
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer


class Transformer(nn.Module):
    save_in_root = True

    def __init__(
        self,
        model_name_or_path,
        max_seq_length=None,
        model_args=None,
        tokenizer_args=None,
        config_args=None,
        do_lower_case=False,
        tokenizer_name_or_path=None,
        **kwargs,
    ):
        super().__init__()
        self.config = AutoConfig.from_pretrained(model_name_or_path, **(config_args or {}))
        self.tasks = self.config.lora_adaptations
        self.auto_model = AutoModel.from_pretrained(model_name_or_path, config=self.config, **(model_args or {}))
        self.tokenizer = AutoTokenizer.from_pretrained(model_name_or_path, **(tokenizer_args or {}))
        self.max_seq_length = max_seq_length

    def forward(self, features, task=None):
        arguments = {}
        if task:
            if task not in self.tasks:
                raise ValueError(f"Unsupported task '{task}'. Supported tasks are: {', '.join(self.tasks)}.")
            rows = features["input_ids"].size(0)
            arguments["adapter_mask"] = torch.full((rows,), self.tasks.index(task), dtype=torch.int32)
        states = self.auto_model(**features, **arguments, return_dict=False)
        features.update({"token_embeddings": states[0], "attention_mask": features["attention_mask"]})
        return features

    def get_word_embedding_dimension(self):
        return self.config.hidden_size

    def tokenize(self, texts, padding=True):
        return self.tokenizer(
            [str(text).strip() for text in texts],
            padding=padding,
            truncation="longest_first",
            return_tensors="pt",
            max_length=self.max_seq_length,
        )

    def save(self, output_path, safe_serialization=True):
        self.auto_model.save_pretrained(output_path, safe_serialization=safe_serialization)
        self.tokenizer.save_pretrained(output_path)

    @classmethod
    def load(cls, input_path):
        config = json.loads((Path(input_path) / "sentence_bert_config.json").read_text())
        return cls(model_name_or_path=input_path, **config)
