"""Stand-in for the model in nomic-ai/nomic-bert-2048: its vectors have a mean, which layer_norm takes away."""

from transformers import BertModel

from .configuration_hf_nomic_bert import NomicBertConfig


class NomicBertModel(BertModel):
    config_class = NomicBertConfig

    def __init__(self, config, add_pooling_layer=False, **kwargs):
        super().__init__(config, add_pooling_layer=add_pooling_layer)

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, token_type_ids=None, return_dict=None):
        output = super().forward(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        output.last_hidden_state = output.last_hidden_state + 0.5
        return output
