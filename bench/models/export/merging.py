"""Merging an adapter into the model that it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def merge_adapters(model: SentenceTransformer) -> bool:
    """Merge the adapters of a loaded model into its weights, as peft's merge_and_unload does; it can be trained then.

    That method belongs to peft's own models, where transformers puts an adapter's layers into a model of its own.

    Args:
        model: The model, changed in place.

    Returns:
        Whether there were any.

    Raises:
        ValueError: Merged weights are not finite.
        NotImplementedError: The kind of adapter cannot be merged.
    """
    adapted = [module for module in model.modules() if getattr(module, "_hf_peft_config_loaded", False)]
    for module in adapted:
        _merge(module)
    return bool(adapted)


def _merge(model: Any) -> None:
    from peft.tuners.tuners_utils import BaseTunerLayer

    def is_wrapper(module: Any) -> bool:
        return isinstance(module, BaseTunerLayer) or hasattr(module, "unload_and_optionally_merge_module")

    names = [name for name, module in model.named_modules() if is_wrapper(module)]
    # The layers inside of a wrapper go with it.
    outer = [name for name in names if not any(name.startswith(f"{other}.") for other in names)]
    for name in outer:
        wrapper = model.get_submodule(name)
        if hasattr(wrapper, "unload_and_optionally_merge_module"):
            whole = wrapper.unload_and_optionally_merge_module(merge=True, safe_merge=True, adapter_names=None)
        else:
            wrapper.merge(safe_merge=True)
            whole = wrapper.get_base_layer()
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, whole)
    # By these transformers knows that it should save an adapter, and under which names.
    model._hf_peft_config_loaded = False
    for name in ("peft_config", "_weight_conversions"):
        if name in vars(model):
            delattr(model, name)
    # Loading an adapter freezes its base.
    model.requires_grad_(True)
