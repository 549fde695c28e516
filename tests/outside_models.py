"""Makers of models that take something from outside of their folder: adapters, and models with code elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from hub_folders import COMMIT, fill_hub_cache

CONFIGURATION = """
from transformers import BertConfig


class OtherConfig(BertConfig):
    model_type = "other_bert"
"""
MODELING = """
from transformers import BertModel
from .configuration_other import OtherConfig
from .shift import shifted


class OtherModel(BertModel):
    config_class = OtherConfig

    def __init__(self, config, add_pooling_layer=False):
        super().__init__(config, add_pooling_layer=False)

    def forward(self, *args, **settings):
        settings.setdefault("return_dict", True)
        output = super().forward(*args, **settings)
        output.last_hidden_state = output.last_hidden_state + SCALE * shifted(output.last_hidden_state)
        return output
"""
SHIFT = """
def shifted(hidden):
    return hidden.roll(ROLL, -1)
"""
TOKENIZATION = """
from transformers import BertTokenizerFast


class OtherTokenizer(BertTokenizerFast):
    def __call__(self, text=None, *args, **settings):
        text = [each.replace("red", "WORD") for each in text] if isinstance(text, list) else text
        return super().__call__(text, *args, **settings)
"""
SCALING = """
from sentence_transformers.models import Module


class Scale(Module):
    config_keys = ["factor"]
    config_file_name = "config.json"

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, features, **_):
        features["sentence_embedding"] = features["sentence_embedding"] * self.factor * EXTRA
        return features

    def save(self, output_path, *args, **settings):
        self.save_config(output_path)
"""


def edit_json(path: Path, **changes: object) -> None:
    """Change keys of a JSON object in a file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def write_code(folder: Path, *, scale: float = 1.0, roll: int = 1, word: str = "blue", extra: float = 1.0) -> Path:
    """The code of a model, of a tokenizer that puts `word` for "red", and of a module, as a repository."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "configuration_other": CONFIGURATION,
        "modeling_other": MODELING.replace("SCALE", str(scale)),
        "shift": SHIFT.replace("ROLL", str(roll)),
        "tokenization_other": TOKENIZATION.replace("WORD", word),
        "scaling": SCALING.replace("EXTRA", str(extra)),
    }
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def cache_code(cache: Path, repo: str, commit: str = COMMIT, **settings: object) -> Path:
    """A repository of that code in a cache of the Hub's client."""
    return fill_hub_cache(cache, repo, write_code(cache / f"made-{repo.replace('/', '-')}", **settings), commit)


def name_model_code(folder: Path, prefix: str) -> Path:
    """Let a model's configuration name classes, `prefix` before each (`owner/repo--`, or nothing)."""
    classes = {"AutoConfig": "configuration_other.OtherConfig", "AutoModel": "modeling_other.OtherModel"}
    auto_map = {key: prefix + name for key, name in classes.items()}
    edit_json(folder / "config.json", model_type="other_bert", architectures=["OtherModel"], auto_map=auto_map)
    return folder


def name_tokenizer_code(folder: Path, prefix: str, slow: str | None = None) -> Path:
    auto_map = {"AutoTokenizer": [slow, f"{prefix}tokenization_other.OtherTokenizer"]}
    edit_json(folder / "tokenizer_config.json", auto_map=auto_map, tokenizer_class="OtherTokenizer")
    return folder


def add_scaling(folder: Path, prefix: str, factor: float = 3.0) -> Path:
    """Put a module of that code at the end."""
    modules = json.loads((folder / "modules.json").read_text())
    place = f"{len(modules)}_Scale"
    modules.append({"idx": len(modules), "name": place, "path": place, "type": f"{prefix}scaling.Scale"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / place).mkdir()
    (folder / place / "config.json").write_text(json.dumps({"factor": factor}))
    return folder


def make_adapter(base: Path, folder: Path, *, names: str | None = None, seed: int = 5, **changes: object) -> Path:
    """A LoRA adapter with random weights over a sentence-transformers folder, as saving a trained one writes it.

    Args:
        base: The model that it changes.
        folder: The folder to write.
        names: What its configuration calls the base; the base's path by default.
        seed: Seed of its weights.
        changes: Further keys of adapter_config.json.
    """
    import torch
    from peft import LoraConfig, TaskType
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(base), device="cpu", trust_remote_code=True)
    settings = {"target_modules": ["query", "value", "dense"], "r": 4, "lora_alpha": 32}
    model.add_adapter(LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, **settings))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * 0.1)
    model.save_pretrained(str(folder), create_model_card=False)
    edit_json(folder / "adapter_config.json", base_model_name_or_path=names or str(base), **changes)
    return folder


def change_weights(folder: Path) -> None:
    """Change one byte of a model's weights."""
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.unlink()
    path.write_bytes(content)


def move_ref(snapshot: Path, commit: str, changes: Mapping[str, str]) -> Path:
    """A new commit of a cached repository, which main then means; some files have other content."""
    home = snapshot.parents[1]
    newer = Path(shutil.copytree(snapshot, home / "snapshots" / commit))
    for name, text in changes.items():
        (newer / name).unlink()
        (newer / name).write_text(text)
    (home / "refs" / "main").write_text(commit)
    return newer
