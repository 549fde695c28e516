"""Stand-in for the model in jinaai/xlm-roberta-flash-implementation: low-rank changes of the embeddings, one a task."""

import torch
from transformers import XLMRobertaModel

from .configuration_xlm_roberta import XLMRobertaFlashConfig


class XLMRobertaLoRA(XLMRobertaModel):
    config_class = XLMRobertaFlashConfig

    def __init__(self, config, add_pooling_layer=False):
        super().__init__(config, add_pooling_layer=add_pooling_layer)
        tasks, rank, width = len(config.lora_adaptations), config.lora_rank, config.hidden_size
        self.lora_a = torch.nn.Parameter(torch.zeros(tasks, rank, config.vocab_size))
        self.lora_b = torch.nn.Parameter(torch.zeros(tasks, width, rank))
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, adapter_mask=None, return_dict=None, **kwargs):
        embedded = self.embeddings.word_embeddings(input_ids)
        if adapter_mask is not None:
            chosen = adapter_mask.long()
            rows = torch.gather(self.lora_a[chosen], 2, input_ids[:, None, :].expand(-1, self.lora_a.shape[1], -1))
            embedded = embedded + torch.einsum("brt,bdr->btd", rows, self.lora_b[chosen])
        return super().forward(inputs_embeds=embedded, attention_mask=attention_mask, return_dict=return_dict)
