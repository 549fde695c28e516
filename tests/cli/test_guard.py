"""What users see of exceptions, of a broken environment, and of streams that cannot be written."""

from __future__ import annotations

import ast
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from support import ROOT, control_record, cost_record, fidelity_record, quality_record, rerank_record

from bench import cli
from bench.cli import run_cli
from bench.errors import BenchError, UsageError
from bench.faults import as_bench_error
from bench.results.store import ResultStore

EVIL = "\n::error::\x1b[31m"


def leaves(command: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command that does something, as the words that name it."""
    inner = getattr(command, "commands", {})
    found = [leaf for name, below in inner.items() for leaf in leaves(below, (*words, name))]
    alone = not inner or getattr(command, "invoke_without_command", False)
    return found + ([words] if words and alone else [])


COMMANDS = leaves(typer.main.get_command(cli.app))


@pytest.fixture
def raising(monkeypatch):
    """Makes every command raise instead of doing its work."""
    get_command = typer.main.get_command

    def prepare(error: BaseException) -> None:
        def fail(**_: object) -> None:
            raise error

        def empty(command: object, *, root: bool) -> object:
            if not root:
                command.params = []
                command.callback = fail
            for inner in getattr(command, "commands", {}).values():
                empty(inner, root=False)
            return command

        monkeypatch.setattr(typer.main, "get_command", lambda app: empty(get_command(app), root=True))

    return prepare


def test_the_commands_are_found():
    assert {("report",), ("tasks", "add"), ("tasks",), ("cache", "clear"), ("export", "model")} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers_an_unexpected_exception(words, raising, capsys, monkeypatch):
    monkeypatch.delenv("BENCH_DEBUG", raising=False)
    raising(ValueError(f"odd{EVIL}"))
    assert run_cli(list(words)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    first, hint = err.splitlines()
    # A group's own work is done before that of the command that is named.
    assert first.startswith(f"error: bench {' '.join(words)}: ValueError: odd ::error::\\x1b[31m (")
    assert hint.startswith("  hint: this is a fault of bench: please report it with the output of `bench doctor`")
    assert run_cli(["--debug", *words]) == 1
    assert "Traceback (most recent call last):" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (BenchError("wrong", where=f"a{EVIL}", hint="mend it"), 1, "a\\n::error::\\x1b[31m: wrong\n  hint: mend it"),
        (UsageError("wrong"), 2, "error: wrong"),
        (MemoryError(), 1, "error: bench report: not enough memory\n  hint: use less"),
        (RuntimeError("CUDA out of memory. Tried"), 1, "not enough memory: CUDA out of memory"),
        (RecursionError("maximum"), 1, "data is nested too deeply"),
        (
            OSError(errno.ENOSPC, "No space left", f"x{EVIL}"),
            1,
            "x\\n::error::\\x1b[31m: No space left\n  hint: the disk",
        ),
        (OSError(errno.EDQUOT, "Quota exceeded", "x"), 1, "x: Quota exceeded\n  hint: the disk quota"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "x: Permission denied\n  hint: change its"),
        (OSError(errno.EMFILE, "Too many open files"), 1, "Too many open files\n  hint: allow more open files"),
        (OSError(errno.EXDEV, "Other device", "x", None, "y"), 1, "x and y: Other device"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), 2, "ascii cannot write '\\xe9'"),
        (ImportError("libx.so: failed to map segment"), 1, "not enough memory"),
        (ModuleNotFoundError("No module named 'x'"), 1, "a package cannot be imported"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "Broken pipe"),
        (typer.Abort(), 1, "no answer was given"),
        (KeyboardInterrupt(), 130, "stopped; what was finished is kept"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_known_exceptions_say_the_way_out(error, status, shown, raising, capsys):
    raising(error)
    assert run_cli(["report"]) == status
    err = capsys.readouterr().err
    assert shown in err
    assert "Traceback" not in err
    assert "fault of bench" not in err


def test_the_gate_never_takes_a_fault_for_a_regression(monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(sys.modules["bench.cli.gate"], "judged", fail)
    assert run_cli(["gate", "--baseline", "x"]) == 3
    assert "fault of bench" in capsys.readouterr().err


def test_no_memory_is_left_even_for_the_message(raising, monkeypatch, capfd):
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sys.modules["bench.cli.guard"], "as_bench_error", fail)
    raising(MemoryError())
    assert run_cli(["report"]) == 1
    assert capfd.readouterr().err.startswith("error: not enough memory")


def test_what_is_a_bench_error_stays_one():
    error = BenchError("x")
    assert as_bench_error(error, "y") is error


def bench(arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """A command line of bench in a shell, where `bench` stands for the program."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")} | {
        "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    program = f"'{sys.executable}' -m bench"
    return subprocess.run(
        ["bash", "-c", arguments.replace("@", program)],
        capture_output=True, text=True, check=False, env=env | more.pop("env", {}), timeout=120, **more,
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--version", "--help", "models", "run --help", "tasks"])
def test_a_full_output_is_a_line_and_a_status(words):
    done = bench(f"@ {words} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: standard output: No space left on device"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", ["--version", "--help", "models"])
def test_a_closed_output_is_a_line_and_a_status(words):
    done = bench(f"@ {words} >&-")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: standard output: it is closed")


def test_other_closed_streams_do_no_harm():
    done = bench("@ --version 2>&- <&-")
    assert (done.returncode, done.stdout) == (0, "bench 0.1.0\n")
    assert bench("@ models --models nothing 2>&-").returncode == 2
    assert bench("@ models --models nothing 2>/dev/full").returncode == 2
    assert bench("@ models --models nothing >&- 2>&-").returncode == 1


def test_a_reader_that_has_seen_enough():
    done = bench("@ models | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_a_deleted_working_folder(tmp_path):
    done = bench(f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; @ models")
    assert done.returncode == 2
    assert "the working folder cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HOME": "~"}, "HOME: `~` is no absolute path"),
        ({"HOME": "some/where"}, "HOME: `some/where` is no absolute path"),
        ({"HOME": ""}, "HOME: `` is no absolute path"),
        ({"BENCH_DEBUG": "perhaps"}, "BENCH_DEBUG: `perhaps` is neither on nor off"),
        ({"BENCH_CACHE": "~nobody-of-this-name/cache"}, "BENCH_CACHE: there is no home folder"),
        ({"XDG_CACHE_HOME": "~nobody-of-this-name"}, "XDG_CACHE_HOME: there is no home folder"),
    ],
)
def test_a_broken_environment_is_named(variables, words, monkeypatch, capsys):
    for name in ("BENCH_CACHE", "XDG_CACHE_HOME", "BENCH_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run_cli(["cache"]) == 2
    assert words in capsys.readouterr().err


def test_without_a_home_in_the_environment(tmp_path):
    done = bench("unset HOME; @ cache", env={"BENCH_CACHE": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_home_is_no_fault(tmp_path):
    done = bench("@ cache", env={"HOME": str(tmp_path / "none"), "XDG_CACHE_HOME": ""})
    assert (done.returncode, done.stderr) == (0, "")


def test_ascii_alone(tmp_path):
    (tmp_path / "models.yaml").write_text("models:\n  - {name: modèle 模型, source: ./naïve}\n", encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = bench("@ models", cwd=tmp_path, env=plain)
    assert done.returncode == 0
    assert "mod\\xe8le" in done.stdout


def test_ctrl_c_while_modules_are_imported():
    code = (
        "import sys\nclass Stop:\n    def find_spec(self, name, *more):\n"
        "        if name == 'bench.cli': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\nfrom bench.__main__ import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_output_leaves_the_program_in_one_place():
    """Nothing prints, and nothing makes a table or a console, but the modules that make text neutral."""
    allowed = {
        "bench/cli/output.py", "bench/cli/console.py", "bench/markdown.py", "bench/config/yaml_writing.py",
        # Answers for the parent process alone.
        "bench/cost/sampler.py",
    }  # fmt: skip
    wrong = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if place in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _PRINTING:
                wrong.append(f"{place}:{node.lineno}: {ast.unparse(node.func)}")
    assert wrong == []


_PRINTING = {
    "print", "typer.echo", "typer.secho", "click.echo", "click.secho", "Console", "rich.print", "tabulate",
    "tabulate.tabulate", "sys.stdout.write", "sys.stderr.write", "rich.markup.escape", "traceback.print_exc",
    "traceback.print_exception", "yaml.safe_dump", "yaml.dump",
}  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        quality_record(),
        control_record(),
        fidelity_record(),
        rerank_record(),
        cost_record(figures=[("x", 1.0, 8, "int8")]),
    ],
    ids=lambda record: record.record,
)
@pytest.mark.parametrize("dim", [0, -1])
def test_records_with_impossible_dimensions_are_refused(record, dim, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = getattr(ResultStore(Path("results")), f"write_{record.record}{'s' if record.record == 'control' else ''}")
    path = write(record, {"value": [1.0]})
    text = re.sub(r'"truncate_dim": \d+', f'"truncate_dim": {dim}', path.read_text())
    path.write_text(text)
    for words in (["results"], ["report"]):
        assert run_cli(words) == 1
        err = capsys.readouterr().err
        assert path.name in err
        assert "truncate_dim" in err
        assert "fault of bench" not in err


def test_a_crashed_probe_is_one_line(tmp_path, monkeypatch):
    from bench.cost.process import run_probe

    (tmp_path / "crashing.py").write_text("def probe(job): raise ValueError('odd\\n::error::')\n")
    (tmp_path / "dying.py").write_text("import os\ndef probe(job): os._exit(9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(BenchError, match="ValueError: odd ::error::") as error:
        run_probe("crashing", {})
    assert "\n" not in error.value.message
    with pytest.raises(BenchError, match="exit status 9"):
        run_probe("dying", {})
