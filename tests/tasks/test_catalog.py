from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import random_beir, write_beir, write_pairs

from bench.errors import BenchError, UsageError
from bench.tasks.catalog import BrokenTask, Task, find_cards, read_card, select_tasks


def card(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.yaml").write_text(text)
    return folder


@pytest.fixture
def tasks(tmp_path, monkeypatch) -> Path:
    """tasks/shop (a retrieval task) and tasks/same (pairs), with the current folder beside them."""
    monkeypatch.chdir(tmp_path)
    card(random_beir(tmp_path / "tasks" / "shop"), "name: shop\ntype: retrieval\n")
    write_pairs(tmp_path / "tasks" / "same" / "test.jsonl")
    card(tmp_path / "tasks" / "same", "name: same\ntype: sts\n")
    return Path("tasks")


def names(found: list[Task]) -> list[str]:
    return [task.name for task in found]


def test_every_card_where_none_is_named(tasks):
    assert names(select_tasks([], [tasks])) == ["same", "shop"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["shop"], ["shop"]),
        (["shop", "same", "shop"], ["shop", "same"]),
        (["tasks/shop"], ["shop"]),
        (["tasks/shop/task.yaml"], ["shop"]),
        (["shop", "./tasks/shop/"], ["shop"]),
        (["tasks/same/test.jsonl"], ["same"]),
    ],
)
def test_names_and_paths(tasks, wanted, found):
    assert names(select_tasks(wanted, [tasks])) == found


def test_a_card_may_stand_beside_folders(tasks):
    (tasks / "extra.yaml").write_text("name: extra\ntype: sts\npath: same/test.jsonl\n")
    [unit] = select_tasks(["extra"], [tasks])[0].units()
    assert len(unit.data.gold) == 12
    assert unit.info.place.path == (tasks / "same" / "test.jsonl").resolve()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shopp", "did you mean `shop`?"),
        ("zzzz", "known tasks: same, shop; or give a path"),
        ("../../x", "known tasks: same, shop"),
        ("tasks/nope", "or give a path"),
    ],
)
def test_an_unknown_name(tasks, name, hint):
    with pytest.raises(UsageError, match="no task and no path") as caught:
        select_tasks([name], [tasks])
    assert f"`{name}`" in caught.value.message
    assert hint in caught.value.hint


def test_no_tasks_at_all(tmp_path):
    with pytest.raises(UsageError, match="no tasks found") as caught:
        select_tasks([], [tmp_path])
    assert str(tmp_path) in caught.value.message
    assert "--tasks" in caught.value.hint


def test_two_cards_of_one_name_in_a_folder_break_both_and_no_other(tasks):
    shutil.copytree(tasks / "shop", tasks / "shop2")
    same, shop = select_tasks([], [tasks])
    assert (same.name, shop.name, len(same.units())) == ("same", "shop", 1)
    with pytest.raises(UsageError, match="the task name `shop` stands twice") as caught:
        shop.units()
    assert caught.value.where == str(tasks / "shop2" / "task.yaml")
    assert str(tasks / "shop") in caught.value.hint


@pytest.mark.parametrize("place", ["bad/task.yaml", "bad.yaml"])
@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ("name: x\ntype: nope\n", "`type`", ", line 2"),
        ("name: [\n", "not valid YAML", ", line 2"),
        ("", "the file is empty", ""),
    ],
)
def test_a_broken_card_fails_where_it_is_used(tasks, place, content, words, line):
    path = tasks / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    bad, *others = select_tasks([], [tasks])
    assert (names(others), [len(task.units()) for task in others]) == (["same", "shop"], [1, 1])
    assert isinstance(bad, BrokenTask)
    assert names(select_tasks(["bad", "shop"], [tasks])) == ["bad", "shop"]
    with pytest.raises(UsageError, match=words) as caught:
        bad.units()
    assert caught.value.where == f"{path}{line}"


@pytest.mark.parametrize("wanted", ["shop", "./shop/", "../tasks/shop", "shop/task.yaml"])
def test_paths_start_from_the_base(tasks, tmp_path, monkeypatch, wanted):
    (tmp_path / "else" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "else" / "where")
    [task] = select_tasks([wanted], [], tmp_path / "tasks")
    assert task.units()[0].info.place.path == tmp_path / "tasks" / "shop"
    with pytest.raises(UsageError, match="no task and no path"):
        select_tasks([wanted], [])


def test_a_path_in_the_home_folder_does_not_start_from_the_base(tasks, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for wanted in ["~/tasks/shop", str(tmp_path / "tasks" / "shop")]:
        assert names(select_tasks([wanted], [], Path("/nowhere"))) == ["shop"]


def test_an_earlier_folder_hides_a_later_one(tasks, tmp_path):
    shutil.copytree(tasks / "shop", tmp_path / "shipped" / "shop")
    assert find_cards([tasks, tmp_path / "shipped"])["shop"].folder == tasks / "shop"
    assert find_cards([tmp_path / "shipped", tasks])["shop"].folder == tmp_path / "shipped" / "shop"


def test_two_tasks_of_one_name_from_two_places(tasks, tmp_path):
    other = random_beir(tmp_path / "other" / "shop", seed=1)
    with pytest.raises(UsageError, match="two tasks are called `shop`") as caught:
        select_tasks(["shop", str(other)], [tasks])
    assert caught.value.where == f"{other} and {tmp_path / 'tasks' / 'shop'}"
    assert "another name" in caught.value.hint


class TestFoldersWithoutCard:
    def test_a_beir_folder(self, tmp_path):
        [task] = select_tasks([str(random_beir(tmp_path / "shop"))], [])
        [unit] = task.units()
        assert (unit.task, unit.info.type, unit.split, unit.subset, unit.label) == (
            "shop",
            "retrieval",
            "test",
            "default",
            "shop",
        )
        assert (unit.main_metric, len(unit.data.documents)) == ("ndcg_at_10", 30)

    @pytest.mark.parametrize(
        ("found", "chosen"),
        [
            (["dev", "test", "train"], "test"),
            (["dev", "train"], "dev"),
            (["validation"], "validation"),
            (["a", "b"], "a"),
        ],
    )
    def test_the_split_of_a_beir_folder(self, tmp_path, found, chosen):
        for split in found:
            write_beir(tmp_path / "shop", {"d": "red"}, {"q": "red"}, [("q", "d", 1)], split=split)
        [task] = select_tasks([str(tmp_path / "shop")], [])
        assert [unit.split for unit in task.units()] == [chosen]

    def test_a_beir_folder_without_judgements_says_so_when_read(self, tmp_path):
        shutil.rmtree(random_beir(tmp_path / "shop") / "qrels")
        [unit] = select_tasks([str(tmp_path / "shop")], [])[0].units()
        with pytest.raises(BenchError, match="no judgements for the split `test`") as caught:
            _ = unit.data
        assert caught.value.hint == "splits found: none"

    def test_subset_files(self, tmp_path):
        for subset in ["en-de", "en-fr"]:
            write_pairs(tmp_path / "langs" / f"{subset}.jsonl")
        [task] = select_tasks([str(tmp_path / "langs")], [])
        assert [(unit.split, unit.subset, unit.label) for unit in task.units()] == [
            ("test", "en-de", "langs en-de"),
            ("test", "en-fr", "langs en-fr"),
        ]
        assert {unit.main_metric for unit in task.units()} == {"cosine_spearman"}

    def test_split_files_are_no_subsets(self, tmp_path):
        for split in ["train", "dev", "other"]:
            write_pairs(tmp_path / "pairs" / f"{split}.jsonl")
        [unit] = select_tasks([str(tmp_path / "pairs")], [])[0].units()
        assert (unit.split, unit.subset) == ("dev", "default")

    @pytest.mark.parametrize(
        ("file", "name", "split"),
        [
            ("pairs/dev.jsonl", "pairs", "dev"),
            ("pairs/my questions.jsonl", "my questions", "test"),
            ("p/a.csv", "a", "test"),
        ],
    )
    def test_a_file_of_pairs(self, tmp_path, file, name, split):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text("sentence1,sentence2,score\nx,y,1\nz,y,2\n")
        if file.endswith("jsonl"):
            write_pairs(tmp_path / file)
        [unit] = select_tasks([str(tmp_path / file)], [])[0].units()
        assert (unit.task, unit.split, unit.info.place.path) == (name, split, tmp_path / file)

    def test_a_folder_that_holds_no_task(self, tmp_path):
        (tmp_path / "notes.txt").touch()
        with pytest.raises(UsageError, match="no task in this folder") as caught:
            select_tasks([str(tmp_path)], [])
        assert caught.value.where == str(tmp_path)
        assert "corpus.jsonl" in caught.value.hint

    def test_a_file_that_is_no_task(self, tmp_path):
        (tmp_path / "notes.txt").touch()
        with pytest.raises(UsageError, match="not a task: expected a card") as caught:
            select_tasks([str(tmp_path / "notes.txt")], [])
        assert caught.value.where == str(tmp_path / "notes.txt")

    def test_a_file_name_that_is_no_subset_name(self, tmp_path):
        write_pairs(tmp_path / "langs" / "en:de.jsonl")
        with pytest.raises(UsageError, match="no name for a split or subset: 'en:de'"):
            select_tasks([str(tmp_path / "langs")], [])


class TestCards:
    def test_splits_of_a_retrieval_task(self, tmp_path):
        folder = random_beir(tmp_path / "shop")
        shutil.copy(folder / "qrels" / "test.tsv", folder / "qrels" / "dev.tsv")
        task = read_card(card(folder, "name: x\ntype: retrieval\nsplits: [dev, test]\n") / "task.yaml")
        assert [(unit.task, unit.split) for unit in task.units()] == [("x", "dev"), ("x", "test")]

    def test_subsets_and_suffixes(self, tmp_path):
        write_pairs(tmp_path / "data" / "a.jsonl")
        (tmp_path / "data" / "b.csv").write_text("sentence1,sentence2,score\nx,y,1\nz,y,2\n")
        task = read_card(card(tmp_path, "name: x\ntype: sts\npath: data\nsubsets: [a, b]\n") / "task.yaml")
        assert [(unit.subset, len(unit.data.gold)) for unit in task.units()] == [("a", 12), ("b", 2)]
        assert task.units()[1].data.gold.tolist() == [1, 2]

    def test_settings_of_the_card_reach_the_data(self, tmp_path):
        write_beir(tmp_path, {"d": ""}, {"q": "x"}, [("q", "d", 1)])
        text = "name: x\ntype: retrieval\nallow_empty: true\nignore_identical_ids: true\n"
        [unit] = read_card(card(tmp_path, text) / "task.yaml").units()
        assert unit.data.documents == [""]
        assert unit.data.ignore_identical_ids
        assert unit.fingerprint == unit.data.fingerprint()

    @pytest.mark.parametrize(
        ("text", "where", "words"),
        [
            ("type: sts\npath: nope", "nope", ["the data of the task `x` is not there", "check `path`"]),
            (
                "type: sts\nsplits: [dev]",
                "",
                ["no file dev.jsonl, nor one of", "files of pairs found: test"],
            ),
            ("type: sts\nsubsets: [en-de]", "", ["no file en-de.jsonl", "files of pairs found: test"]),
        ],
    )
    def test_data_that_is_not_there(self, tmp_path, text, where, words):
        write_pairs(tmp_path / "test.jsonl")
        task = read_card(card(tmp_path, f"name: x\n{text}\n") / "task.yaml")
        with pytest.raises(BenchError) as caught:
            _ = task.units()[0].data
        assert caught.value.where == str(tmp_path / where)
        for word in words:
            assert word in str(caught.value)

    @pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "<script>", "con", "a b"])
    def test_any_name_is_kept_as_it_is_and_opens_nothing(self, tmp_path, name):
        write_pairs(tmp_path / "test.jsonl")
        [unit] = read_card(card(tmp_path, f"name: {name}\ntype: sts\n") / "task.yaml").units()
        assert (unit.task, unit.info.place.path) == (name, tmp_path)
        assert len(unit.data.gold) == 12


@pytest.mark.parametrize("name", ["~no-such-user/x", "x" * 300, "a\0b"])
def test_a_path_that_the_system_refuses(tasks, name):
    with pytest.raises(UsageError, match="no task and no path") as caught:
        select_tasks([name], [tasks])
    assert len(caught.value.message) < 250


def test_a_path_with_a_null_byte(tmp_path):
    path = card(tmp_path, 'name: x\ntype: sts\npath: "a\\0b"\n') / "task.yaml"
    with pytest.raises(UsageError, match="`path`: a path cannot hold a NUL") as caught:
        read_card(path)
    assert caught.value.where == f"{path}, line 3"


def test_a_beir_folder_whose_only_split_has_an_odd_name(tmp_path):
    write_beir(tmp_path, {"d": "red"}, {"q": "red"}, [("q", "d", 1)], split="my split")
    with pytest.raises(UsageError, match="no name for a split or subset: 'my split'"):
        select_tasks([str(tmp_path)], [])


@pytest.mark.parametrize("spelling", ["{here}/tasks/shop", "tasks/../tasks/shop"])
def test_one_task_spelled_in_two_ways(tasks, tmp_path, spelling):
    assert names(select_tasks(["shop", spelling.format(here=tmp_path)], [tasks])) == ["shop"]


def test_two_cards_of_one_name_over_the_same_data(tmp_path):
    random_beir(tmp_path / "data")
    folders = [
        card(tmp_path / split, f"name: x\ntype: retrieval\npath: ../data\nsplits: [{split}]\n")
        for split in ["dev", "test"]
    ]
    with pytest.raises(UsageError, match="two tasks are called `x`"):
        select_tasks([str(folder) for folder in folders], [])


def test_a_broken_card_in_a_folder_named_as_another_task(tasks):
    card(tasks / "shop", "name: shop2\ntype: nope\n")
    card(tasks / "a", "name: shop\ntype: sts\npath: ../same\n")
    # The name is the good card's; the broken one stands under its path, with its own fault.
    cards = find_cards([tasks])
    assert cards["shop"].card.name == "shop"
    with pytest.raises(UsageError, match="`type`"):
        cards[str(tasks / "shop" / "task.yaml")].units()
