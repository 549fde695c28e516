"""Stand-in for the model in Alibaba-NLP/new-impl: no class of transformers has its forward."""

from transformers import BertModel

from .configuration import NewConfig


class NewModel(BertModel):
    config_class = NewConfig

    def __init__(self, config, add_pooling_layer=False):
        super().__init__(config, add_pooling_layer=add_pooling_layer)

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, return_dict=None):
        output = super().forward(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        output.last_hidden_state = output.last_hidden_state + output.last_hidden_state.roll(1, -1)
        return output
