"""Stand-in for tokenization_qwen.py of Alibaba-NLP/gte-Qwen2."""

from transformers import Qwen2Tokenizer


class Qwen2TokenizerFast(Qwen2Tokenizer):
    """A name of the folder's own; the end token comes by the option `add_eos_token`."""
