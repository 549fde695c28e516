"""Stand-in for the configuration in jinaai/xlm-roberta-flash-implementation."""

from transformers import XLMRobertaConfig


class XLMRobertaFlashConfig(XLMRobertaConfig):
    model_type = "xlm-roberta-flash"

    def __init__(self, lora_adaptations=None, lora_rank=4, **kwargs):
        super().__init__(**kwargs)
        self.lora_adaptations = lora_adaptations
        self.lora_rank = lora_rank
