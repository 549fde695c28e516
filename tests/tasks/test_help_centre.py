"""The journey of a help centre: from a file of articles and a file of clicks to a scored task, in three commands."""

from __future__ import annotations

import csv
import html
import math
import random
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from support import WORDS

from bench import load_results
from bench.cli import run_cli
from bench.tasks.catalog import read_card

GONE = "999"


@pytest.fixture
def help_centre(tmp_path, monkeypatch) -> Path:
    """150 articles with HTML, of which 110 can be clicked, and 200 clicks; no two articles say the same."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(15)
    with Path("articles.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "title", "body", "views", "votes"])
        for number in range(150):
            words = [" ".join(rng.choices(WORDS, k=rng.randint(3, 6))) for _ in range(3)]
            body = f"<p>{words[0]} &amp; <b>{words[1]}</b></p>\n<ul><li>{words[2]}</li><li>step {number}</li></ul>"
            writer.writerow([number, f"{rng.choice(WORDS)} {number}", body, rng.randint(0, 9000), rng.randint(0, 4)])
    queries = [f"{a} {b}" for a, b in (rng.sample(WORDS, 2) for _ in range(60))]
    clicks = [
        (
            rng.choice([str.lower, str.lower, str.title])(rng.choice(queries)),
            str(min(int(rng.expovariate(1 / 25)), 110)),
        )
        for _ in range(150)
    ]
    clicks += [rng.choice(clicks) for _ in range(49)] + [("steel pipe", GONE)]
    rng.shuffle(clicks)
    with Path("clicks.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["search", "clicked_article_id", "position"])
        writer.writerows([query, article, rng.randint(1, 9)] for query, article in clicks)
    return tmp_path


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def plain(text: str) -> str:
    """The words of simple HTML."""
    return " ".join(html.unescape(re.sub(r"</?(?:p|ul|li)>", " ", re.sub(r"</?b>", "", text))).split())


def worked_out(model: Path, asked: set[str]) -> float:
    """The mean nDCG@10 of a model over these queries, from the CSV files alone."""
    from sentence_transformers import SentenceTransformer

    articles = {row["id"]: f"{row['title']} {plain(row['body'])}" for row in rows("articles.csv")}
    clicks = Counter((row["search"], row["clicked_article_id"]) for row in rows("clicks.csv"))
    labels = {pair: 1 + math.floor(math.log2(n)) for pair, n in clicks.items()}
    queries = sorted(asked)
    encoder = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    scores = encoder.encode(queries, convert_to_numpy=True) @ encoder.encode(list(articles.values())).T
    total = 0.0
    for query, row in zip(queries, scores, strict=True):
        ranked = [name for _, name in sorted(zip(-row, articles, strict=True))][:10]
        found = sum(labels.get((query, name), 0) / math.log2(place + 2) for place, name in enumerate(ranked))
        ideal = sorted((label for (name, _), label in labels.items() if name == query), reverse=True)[:10]
        total += found / sum(label / math.log2(place + 2) for place, label in enumerate(ideal))
    return total / len(queries)


def score_of(name: str, model: Path) -> tuple[int, float]:
    """How many queries a model is scored on, and its nDCG@10, by the program."""
    run = ["run", "--tasks", name, "--model", str(model), "--no-cost"]
    assert run_cli([*run, "--truncate-dims", "32", "--precisions", "float32"]) == 0
    frame = load_results("results")
    found = frame[(frame.metric == "ndcg_at_10") & (frame.task == name)]
    return found.n.item(), found.value.item()


def test_from_two_files_to_a_split_that_shares_no_query(help_centre, tiny_model, capsys):
    add = "tasks add articles.csv --queries clicks.csv --on clicked_article_id=id --name help --strip-html"
    assert run_cli([*add.split(), "--split-by", "query", "--test-share", "0.3"]) == 0
    assert run_cli(["tasks", "check", "help"]) == 0
    said = capsys.readouterr().out
    n, value = score_of("help", tiny_model)

    task = read_card(Path("tasks/help.yaml"))
    (unit,), training = task.units(download=False), task.training()
    assert unit.split == "test"
    tested, trained = ({query.lower() for query in data.data.queries} for data in (unit, training))
    assert not tested & trained
    searches = {row["search"].lower() for row in rows("clicks.csv")}
    assert tested | trained == searches
    assert len(tested) == math.ceil(0.3 * len(searches))
    assert len(unit.data.documents) == 150
    assert f"split test: {n} queries, 150 documents" in said
    assert f"0 of the {len(tested)} different queries (after normalisation) are in train too" in said
    assert n == len(set(unit.data.queries))
    assert value == pytest.approx(worked_out(tiny_model, set(unit.data.queries)), abs=1e-6)


def test_from_two_files_to_a_score(help_centre, tiny_model, capsys):
    add = "tasks add articles.csv --queries clicks.csv --on clicked_article_id=id --name help --strip-html".split()
    assert run_cli(add) == 0
    said = capsys.readouterr().out
    clicks = [(row["search"], row["clicked_article_id"]) for row in rows("clicks.csv")]
    pairs, queries = len(set(clicks)), len({query for query, _ in clicks})
    merged = f"{200 - pairs} repeated clicks merged (label 1 + floor(log2 n))"
    assert f"200 clicks: {pairs} query-document pairs of {queries} queries; {merged}" in said
    assert f"split test: {queries} queries, 150 documents" in said
    named = len({article for _, article in clicks})
    assert f"1 of {named} judged documents are not in articles.csv (`{GONE}`): they are never found" in said
    assert len({query.lower() for query, _ in clicks}) < queries < pairs < 200
    assert named < 120
    assert "warning" not in said

    assert run_cli(["tasks", "check", "help"]) == 0
    assert "documents relevant to no query" in capsys.readouterr().out

    n, value = score_of("help", tiny_model)
    assert n == queries
    assert value == pytest.approx(worked_out(tiny_model, {query for query, _ in clicks}), abs=1e-6)


def test_markup_is_warned_about(help_centre, capsys):
    assert run_cli("tasks add articles.csv --queries clicks.csv --name help".split()) == 0
    said = capsys.readouterr().out
    assert "document_id: column clicked_article_id = id of articles.csv" in said
    assert "warning: 150 of 150 documents (100%) hold HTML" in said
    assert "--strip-html" in said
    card = yaml.safe_load(Path("tasks/help.yaml").read_text())
    assert "strip_html" not in card
    assert card["table"]["join"] == {"files": "articles.csv", "on": {"clicked_article_id": "id"}, "searched": "all"}
