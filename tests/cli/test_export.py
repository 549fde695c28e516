import sys

import pytest
from support import make_older, quality_record

from bench.cli import run_cli
from bench.results.store import ResultStore


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ResultStore(tmp_path / "results").write_quality(quality_record(), {"value": [1.0]})
    return tmp_path / "results"


def test_export_and_export_again(results, capsys):
    assert run_cli(["export", "mteb", "--output", "out"]) == 0
    printed = capsys.readouterr().out
    assert "2 files written to out" in printed
    assert f"mini is bench/mini at {'f' * 32}" in printed
    assert run_cli(["export", "mteb", "--output", "out", "--model", "mini", "--tasks", "shop"]) == 0
    assert "0 files written to out, 2 were there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--model", "minni"], 2, "did you mean `mini`"),
        (["--tasks", "talk"], 2, "there are: shop"),
        (["--results", "nowhere"], 1, "no quality results"),
    ],
)
def test_what_cannot_be_exported(results, capsys, arguments, status, words):
    assert run_cli(["export", "mteb", "--output", "out", *arguments]) == status
    assert words in capsys.readouterr().err
    assert not (results.parent / "out").exists()


def test_no_output_folder_is_wrong_usage(results):
    assert run_cli(["export", "mteb"]) == 2


def test_without_mteb_it_says_how_to_get_it(results, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    assert run_cli(["export", "mteb", "--output", "out"]) == 1
    assert "pip install 'mrl-bench[mteb]'" in capsys.readouterr().err


def test_it_says_which_of_mtebs_values_files_lack(results, capsys):
    assert run_cli(["export", "mteb", "--output", "out"]) == 0
    printed = capsys.readouterr().out
    assert "1 files lack MTEB's nauc_*" in printed
    assert "the expectation over ties" not in printed


def test_it_says_which_results_do_not_know_mtebs_order_of_ties(results, capsys):
    (path,) = results.glob("quality/*/*.json")
    make_older(path, 2)
    assert run_cli(["export", "mteb", "--output", "out"]) == 0
    printed = capsys.readouterr().out
    assert "1 files hold the expectation over ties" in printed
    assert "bench run --force --no-cost --tasks shop" in printed
