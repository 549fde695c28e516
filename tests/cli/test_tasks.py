from __future__ import annotations

import sys

import numpy as np
import pytest
from gate_results import write_quality
from support import write_beir, write_pairs

from bench.audit import languages
from bench.cli import run_cli
from bench.cli.chosen import named_task
from bench.results.index import ResultIndex
from bench.results.store import ResultStore
from bench.statistics.power import minimum_detectable_effect

CORPUS = {"d1": "red pipe", "d2": "blue hose", "d3": "a very long green lamp " * 20}
QUERIES = {"q1": "pipe", "q2": "hose", "q3": "pipe"}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q1", "d1", 1), ("q2", "d2", 2), ("q2", "d1", 0)])
    write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q3", "d3", 1)], split="train")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shop"


def test_check_prints_what_there_is(shop, capsys):
    assert run_cli(["tasks", "check", "shop"]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert ["judgements", "3"] in lines
    assert ["0", "or", "less", "1", "33.3%"] in lines
    assert ["characters", "a", "query", "2", "4", "4", "4", "4", "4", "4.0"] in lines
    assert "token" not in printed


def test_check_counts_tokens_as_the_model_does(shop, tiny_model, capsys):
    assert run_cli(["tasks", "check", "shop", "--model", "./tiny"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    # [CLS] pipe [SEP]; the lamp's 100 words are cut at 48 tokens.
    assert ["tokens", "a", "query", "2", "3", "3", "3", "3", "3", "3.0", "0", "at", "48"] in lines
    document = next(line for line in lines if line[:3] == ["tokens", "a", "document"])
    assert document[-3:] == ["1", "at", "48"]
    assert int(document[8]) > 100


def test_check_counts_the_prompt(shop, tiny_model, capsys):
    (shop.parent / "models.yaml").write_text("models:\n  - {name: m, source: ./tiny, prompts: {query: 'red blue '}}\n")
    assert run_cli(["tasks", "check", "shop", "--model", "m"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["tokens", "a", "query", "2", "5", "5", "5", "5", "5", "5.0", "0", "at", "48"] in lines


def test_check_of_pairs_shows_repeats(tmp_path, capsys):
    path = write_pairs(tmp_path / "talk.jsonl", 3)
    path.write_text(path.read_text() * 2)
    assert run_cli(["tasks", "check", str(path)]) == 0
    assert "6 of 6 pairs share their text with another" in capsys.readouterr().out


@pytest.fixture
def printed(capsys):
    """What `bench tasks check` prints, with single spaces."""

    def check(*arguments):
        assert run_cli(["tasks", "check", *map(str, arguments)]) == 0
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return check


def test_check_names_html_long_texts_and_languages(tmp_path, printed):
    english = "<p>Where can I find my invoice and how do I return an item?</p>"
    corpus = {"d1": english, "d2": "How can I change my address? " * 40, "d3": "I cannot log in to my account"}
    queries = {f"q{number}": f"Warum kann ich mich nicht anmelden? Teil {number}" for number in range(3)}
    folder = write_beir(tmp_path / "help", corpus, queries, [(query, "d1", 1) for query in queries])
    lines = printed(folder)
    assert "2 of 3 documents (66.7%) are relevant to no query." in "".join(lines)
    place = next(
        row for row, line in enumerate(lines) if line.startswith("1 of 3 documents hold HTML tags or entities")
    )
    assert "--strip-html" in lines[place]
    assert lines[place + 1] == english
    assert any(line.startswith("1 of 3 documents are longer than 1,000 characters") for line in lines)
    assert "queries 3 of 3 0 0 de 100% Latin 100%" in lines
    assert "documents 3 of 3 0 0 en 100% Latin 100%" in lines
    assert any(line.startswith("3 of 3 recognised queries are in de, and no document of 3 is") for line in lines)


def test_check_without_the_package_for_languages_says_so(shop, monkeypatch, printed):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages._classifier.cache_clear()
    lines = printed("shop")
    languages._classifier.cache_clear()
    hint = "pip install 'mrl-bench[data]'"
    assert f"languages: not looked at: the package py3langid is not installed ({hint})" in lines
    assert "documents 3 of 3 Latin 100%" in lines


def test_check_with_a_model_counts_and_does_not_estimate(shop, tiny_model, printed):
    write_beir(shop, {"d1": "pipe " * 300}, QUERIES, [("q1", "d1", 1)])
    assert any("longer than" in line for line in printed("shop"))
    assert not any("longer than" in line for line in printed("shop", "--model", "./tiny"))


def test_check_takes_deviations_from_the_tasks_own_results(shop, printed):
    store = shop.parent / "results"
    rng = np.random.default_rng(0)
    unit = named_task("shop").units()[0]
    scores = {(8, "float32"): rng.random(2), (8, "int8"): rng.random(2)}
    assert not any("this task" in line for line in printed("shop"))
    write_quality(store, scores, ids=["q1", "q2"], task="shop", data=unit.fingerprint)
    (row,) = [line for line in printed("shop") if "this task" in line]
    differences = scores[8, "float32"] - scores[8, "int8"]
    deviation = np.std(differences, ddof=1)
    drop = minimum_detectable_effect(np.array([deviation / 2**0.5]), 1, two_sided=False)[0]
    assert row.startswith(f"int8 against float32 this task (1) {deviation:.3f} ")
    assert f" {drop:#.2g} " in row
    assert any(line.startswith("binary against float32 others (13)") for line in printed("shop"))
    assert not any("this task" in line for line in printed("shop", "--results", "elsewhere"))


def test_check_says_where_no_margin_is_known(tmp_path, printed):
    write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q1", "d1", 1), ("q2", "d2", 1), ("q3", "d1", 1)])
    card = tmp_path / "shop.yaml"
    card.write_text("{name: shop, type: retrieval, path: shop, main_metric: ndcg_at_3}", encoding="utf-8")
    lines = printed(card)
    # q1 and q3 have the same text.
    assert "What 2 independent queries can show in ndcg_at_3" in lines
    assert any("no deviation was measured: score two models (bench run)" in line for line in lines)
    write_beir(tmp_path / "shop", CORPUS, QUERIES, [("q1", "d1", 1), ("q3", "d1", 1)])
    assert "nothing: a test needs two of them" in printed(tmp_path / "shop")


def test_check_of_pairs_names_their_margin(tmp_path, printed):
    lines = printed(write_pairs(tmp_path / "talk.jsonl", 60))
    assert "What 60 independent pairs can show in cosine_spearman" in lines
    assert any(line.startswith("two pretrained models others (1)") for line in lines)
    assert not any("relevant to no query" in line for line in lines)


@pytest.mark.parametrize("command", ["check", "audit"])
def test_a_broken_task_gives_its_error(shop, capsys, command):
    with (shop / "qrels" / "test.tsv").open("a") as file:
        file.write("q1\tnowhere\t1\n")
    assert run_cli(["tasks", command, "shop"]) == 1
    assert "judged documents are not in corpus.jsonl: `nowhere`" in capsys.readouterr().err
    assert run_cli(["tasks", command, "shopp"]) == 2


def test_audit_prints_and_writes_a_record(shop, capsys):
    assert run_cli(["tasks", "audit", "shop"]) == 0
    assert "! 1 of 2 test queries are also training queries (same text)" in capsys.readouterr().out
    ((path, record),) = ResultStore(shop.parent / "results").records()
    assert path.parent.parent.name == "audits"
    assert record.training.split == "train"


def test_audit_against_other_training_data(shop, tmp_path, capsys):
    write_beir(tmp_path / "other", CORPUS, QUERIES, [("q1", "d1", 1), ("q2", "d2", 1)], split="train")
    assert run_cli(["tasks", "audit", "shop", "--train", "./other", "--results", "elsewhere"]) == 0
    ((_, record),) = ResultStore(tmp_path / "elsewhere").records()
    assert (record.training.name, record.training.split) == ("other", "train")
    assert next(f.count for f in record.findings if f.kind == "pairs_in_training_by_id") == 2


def test_training_data_without_a_split_of_that_name(shop, tmp_path):
    path = write_pairs(tmp_path / "seen.jsonl")
    assert run_cli(["tasks", "audit", "shop", "--train", str(path)]) == 0
    write_pairs(tmp_path / "many" / "en-en.jsonl")
    write_pairs(tmp_path / "many" / "de-de.jsonl")
    assert run_cli(["tasks", "audit", "shop", "--train", "./many"]) == 2


def test_a_task_is_not_audited_against_itself(shop, tmp_path, capsys):
    path = str(write_pairs(tmp_path / "pairs.jsonl"))
    assert run_cli(["tasks", "audit", path, "--train", path]) == 1
    assert "would be compared with itself" in capsys.readouterr().err
    assert not (tmp_path / "results" / "audits").exists()


@pytest.mark.parametrize("command", ["check", "audit"])
@pytest.mark.parametrize(
    ("name", "words"), [("", "empty value"), ("./shop,hardware_store", "is 2 tasks"), ("/dev/null", "neither a file")]
)
def test_one_task_is_wanted(shop, capsys, command, name, words):
    assert run_cli(["tasks", command, name]) == 2
    assert words in capsys.readouterr().err


def test_a_run_audits_by_itself_and_its_leaderboard_says_so(shop, tiny_model, capsys):
    arguments = ["run", "--model", "./tiny", "--tasks", "shop", "--no-cost"]
    assert run_cli(arguments) == 0
    footnote = "1 of 2 test queries are also training queries (same text)"
    assert footnote in capsys.readouterr().out.replace("\n", " ")
    assert run_cli(["report"]) == 0
    assert footnote in (shop.parent / "reports" / "tasks" / "shop.md").read_text().replace("\\", "")
    assert run_cli(arguments) == 0
    assert len(ResultIndex(ResultStore(shop.parent / "results").records()).audits) == 1


def test_a_failed_audit_does_not_stop_a_run(shop, tiny_model, capsys):
    (shop / "qrels" / "train.tsv").write_text("not\tjudgements\n")
    assert run_cli(["run", "--model", "./tiny", "--tasks", "shop", "--no-cost"]) == 1
    output = capsys.readouterr()
    assert "train.tsv" in output.err
    assert "ndcg_at_10" in output.out


@pytest.mark.parametrize("command", ["check", "audit"])
def test_one_broken_subset_costs_the_others_nothing(tmp_path, monkeypatch, capsys, command):
    write_pairs(tmp_path / "many" / "en-en.jsonl")
    (tmp_path / "many" / "de-de.jsonl").write_text("{")
    monkeypatch.chdir(tmp_path)
    assert run_cli(["tasks", command, "many"]) == 1
    output = capsys.readouterr()
    assert "de-de.jsonl, line 1" in output.err
    assert "many en-en (test), sts" in output.out


def test_the_list_names_what_lies_on_the_hub_without_reading_it(shop, capsys):
    assert run_cli(["tasks"]) == 0
    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "565 documents" in listed["hardware_store"]
    assert "Hub: mteb/sts17-crosslingual-sts" in listed["sts17"]
    assert "11 subsets" in listed["sts17"]
    assert "Hub: bstds/home_depot" in listed["home_depot"]
