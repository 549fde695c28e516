"""What a plan says about prompts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.inputs import notes_on_inputs
from bench.models.prompts import PromptTask
from bench.models.registry import ModelEntry


def test_a_key_that_is_nearly_a_task_of_the_run_is_named():
    pytest.importorskip("mteb")
    # STS12 is a task of mteb, of which entries by `bench models add` have many.
    entry = ModelEntry(name="m", source=["x"], prompts={"STS12": "a", "STS17": "b", "STS71": "c"})
    stated = SimpleNamespace(prompts={}, default_prompt=None)
    model = SimpleNamespace(entry=entry, stated=stated)
    unit = SimpleNamespace(prompt_task=PromptTask(("STS17",), "STS"))
    assert notes_on_inputs(model, [unit]) == [
        "m: the key `STS71` of `prompts` names no task of this run; did you mean `STS17`?"
    ]
