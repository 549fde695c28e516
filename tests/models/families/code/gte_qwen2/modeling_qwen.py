"""Stand-in for modeling_qwen.py of Alibaba-NLP/gte-Qwen2: every token attends to all, in a class of a known name."""

import torch
from transformers import Qwen2Config
from transformers import Qwen2Model as CausalQwen2Model


class Qwen2Model(CausalQwen2Model):
    config_class = Qwen2Config

    def forward(self, input_ids=None, attention_mask=None, is_causal=False, **kwargs):
        weights = self.embed_tokens.weight
        lowest = torch.finfo(weights.dtype).min
        both = torch.where(attention_mask[:, None, None, :].bool(), 0.0, lowest).to(weights.dtype)
        masks = {"full_attention": both.expand(-1, 1, attention_mask.shape[1], -1)}
        kwargs["use_cache"] = False
        return super().forward(input_ids=input_ids, attention_mask=masks, **kwargs)
