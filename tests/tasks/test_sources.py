from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_folders import (
    COMMIT,
    hub_home_depot,
    hub_pairs,
    hub_questions,
    hub_retrieval,
    hub_triplets,
    in_hub_cache,
    put_online,
)
from support import random_beir, write_hub, write_pairs, write_parquet

from bench.errors import BenchError
from bench.hub import NotDownloadedError
from bench.tasks.card import TaskCard
from bench.tasks.catalog import Task, choose_subsets, select_tasks
from bench.tasks.data import RetrievalData
from bench.tasks.places import NotAvailableError
from bench.tasks.sources import Sources

SHIPPED = Path(__file__).resolve().parents[2] / "tasks"


@pytest.fixture(autouse=True)
def _no_data(hub_cache, monkeypatch) -> None:
    """An empty cache of the Hub, and no $BENCH_DATA."""
    monkeypatch.delenv("BENCH_DATA", raising=False)


def sources(base: Path, **card: object) -> Sources:
    return Sources(TaskCard.model_validate({"name": "x", "type": "sts", **card}), base)


class TestOrder:
    """$BENCH_DATA, the user's path, the Hub's cache."""

    @pytest.fixture
    def places(self, tmp_path, monkeypatch, hub_cache) -> dict[str, Path]:
        """The same data set in three places, told apart by its size."""
        found = {
            "shared": write_pairs(tmp_path / "data" / "x" / "test.jsonl", 11),
            "own": write_pairs(tmp_path / "own" / "test.jsonl", 12),
        }
        write_pairs(tmp_path / "set" / "test.jsonl", 13)
        found["hub"] = in_hub_cache(hub_cache, "org/set", tmp_path / "set") / "test.jsonl"
        monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
        return found

    def test_the_first_place_that_has_it_gives_it(self, tmp_path, places):
        task = sources(tmp_path, path=Path("own"), hub="org/set")
        sizes = [task.load("test", "default").data.n]
        for place in ("shared", "own"):
            places[place].unlink()
            sizes.append(task.load("test", "default").data.n)
        assert sizes == [11, 12, 13]

    def test_the_record_knows_the_revision_of_the_hub_alone(self, tmp_path, places):
        task = sources(tmp_path, hub="org/set", revision=COMMIT)
        assert task.load("test", "default").place.revision is None
        places["shared"].unlink()
        assert task.load("test", "default").place.revision == COMMIT

    def test_broken_data_is_an_error_not_a_reason_to_look_elsewhere(self, tmp_path, places):
        places["shared"].write_text("{broken\n")
        with pytest.raises(BenchError, match="broken JSON") as caught:
            sources(tmp_path, hub="org/set").load("test", "default")
        assert caught.value.where == f"{places['shared']}, line 1"

    def test_another_folder_name(self, tmp_path, places):
        places["shared"].parent.rename(tmp_path / "data" / "other")
        assert sources(tmp_path, hub="org/set", folder="other").load("test", "default").data.n == 11

    @pytest.mark.parametrize("name", ["../own", "{root}/own"])
    def test_a_name_does_not_lead_out_of_the_folder(self, tmp_path, places, name):
        task = sources(tmp_path, name=name.format(root=tmp_path), hub="org/set")
        assert task.load("test", "default").data.n == 13

    def test_a_card_without_a_hub_data_set_is_read_where_it_says(self, tmp_path, places):
        assert sources(tmp_path, path=Path("own")).load("test", "default").data.n == 12

    def test_only_the_pinned_revision_is_taken(self, tmp_path, hub_cache, places):
        places["shared"].unlink()
        with pytest.raises(NotAvailableError, match="org/set"):
            sources(tmp_path, hub="org/set", revision="f" * 40).load("test", "default")


class TestNotAvailable:
    def test_offline_it_says_what_is_needed_and_where_to_put_it(self, tmp_path, monkeypatch):
        monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
        with pytest.raises(NotAvailableError) as caught:
            sources(tmp_path, hub="org/set", subsets=["en", "de"]).load("test", "de")
        assert caught.value.message.startswith("not available: needs org/set (test, de)")
        assert caught.value.hint == f"put it into {tmp_path / 'data'}/x or go online"

    def test_a_variable_that_leads_nowhere_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setenv("BENCH_DATA", str(tmp_path / "typo"))
        with pytest.raises(NotAvailableError, match=rf"\$BENCH_DATA is no folder: {tmp_path / 'typo'}"):
            sources(tmp_path, hub="org/set").load("test", "default")

    def test_without_the_variable_the_hint_names_it(self, tmp_path):
        with pytest.raises(NotAvailableError) as caught:
            sources(tmp_path, hub="org/set").load("test", "default")
        assert caught.value.hint == "put it into $BENCH_DATA/x or go online"

    def test_a_folder_without_the_subset_is_named_as_a_reason(self, tmp_path, monkeypatch):
        write_pairs(tmp_path / "x" / "en.jsonl")
        monkeypatch.setenv("BENCH_DATA", str(tmp_path))
        task = sources(tmp_path, hub="org/set", subsets=["en", "de"])
        assert task.load("test", "en").data.n == 12
        with pytest.raises(NotAvailableError, match=r"no file de\.jsonl, nor one of another format"):
            task.load("test", "de")

    def test_the_hub_is_asked_once_for_all_subsets(self, tmp_path, monkeypatch):
        asked = []

        def refuse(repo, *, local_files_only=False, **_):
            from huggingface_hub.errors import LocalEntryNotFoundError

            if local_files_only:
                raise LocalEntryNotFoundError("not here")
            asked.append(repo)
            raise OSError("no route to host")

        monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
        monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        task = sources(tmp_path, hub="org/set", subsets=["en", "de"])
        for subset in ("en", "de"):
            with pytest.raises(NotAvailableError, match="could not get org/set from the Hub: no route to host"):
                task.load("test", subset)
        assert asked == ["org/set"]

    def test_a_plan_that_may_not_download_says_so(self, tmp_path, monkeypatch):
        monkeypatch.delenv("HF_HUB_OFFLINE")
        with pytest.raises(NotDownloadedError, match="org/set has to be downloaded"):
            Sources(TaskCard(name="x", type="sts", hub="org/set"), tmp_path, download=False).load("test", "default")


class TestDownload:
    """Through the call that a user with a network makes; what the Hub would send is put in its place."""

    @pytest.fixture
    def asked(self, tmp_path, monkeypatch, hub_cache) -> list[dict[str, object]]:
        from huggingface_hub.errors import LocalEntryNotFoundError

        calls: list[dict[str, object]] = []

        def download(repo, *, local_files_only=False, **options):
            if local_files_only:
                raise LocalEntryNotFoundError("not here")
            calls.append({"repo": repo, **options})
            return str(in_hub_cache(hub_cache, repo, tmp_path / "set", options["revision"] or COMMIT))

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        return calls

    def test_the_pinned_revision_is_asked_for(self, tmp_path, asked):
        hub_pairs(tmp_path / "set", {"en-en": [1.0, 2.0, 3.0]})
        task = sources(tmp_path, hub="mteb/sts17-crosslingual-sts", revision="a" * 40, mteb="STS17", subsets=["en-en"])
        loaded = task.load("test", "en-en")
        assert loaded.data.n == 3
        assert loaded.place.revision == "a" * 40
        assert asked == [{"repo": "mteb/sts17-crosslingual-sts", "repo_type": "dataset", "revision": "a" * 40}]


class TestHubLayout:
    """Data sets as the Hub keeps them, read through mteb's definitions."""

    @pytest.mark.parametrize("merged", [False, True])
    @pytest.mark.parametrize("place", ["BENCH_DATA", "path", "hub cache"])
    def test_pairs_with_subsets(self, tmp_path, monkeypatch, hub_cache, place, merged):
        data = hub_pairs(tmp_path / "x", {"en-en": [1.0, 2.0, 3.0], "ko-ko": [0.0, 5.0, 2.5]}, merged=merged)
        card = {"hub": "mteb/sts17-crosslingual-sts", "mteb": "STS17", "subsets": ["en-en", "ko-ko", "ar-ar"]}
        if place == "BENCH_DATA":
            monkeypatch.setenv("BENCH_DATA", str(tmp_path))
        elif place == "path":
            card["path"] = data
        else:
            in_hub_cache(hub_cache, card["hub"], data)
        task = sources(tmp_path, **card)
        loaded = task.load("test", "ko-ko").data
        assert loaded.sentences1 == ["ko-ko first 0", "ko-ko first 1", "ko-ko first 2"]
        assert loaded.gold.tolist() == [0.0, 5.0, 2.5]
        with pytest.raises(BenchError, match="ar-ar"):
            task.load("test", "ar-ar")

    def test_retrieval(self, tmp_path, hub_cache):
        in_hub_cache(hub_cache, "mteb/arguana", hub_retrieval(tmp_path / "set"))
        card = {"type": "retrieval", "hub": "mteb/arguana", "mteb": "ArguAna", "ignore_identical_ids": True}
        data = sources(tmp_path, **card).load("test", "default").data
        assert isinstance(data, RetrievalData)
        assert dict(zip(data.document_ids, data.documents, strict=True)) == {
            "d1": "Pipes steel pipe", "d2": "brass valve", "q1": "me",
        }  # fmt: skip
        assert dict(zip(data.query_ids, data.queries, strict=True)) == {"q1": "pipe", "q2": "valve"}
        assert sorted(data.pair_gains.tolist()) == [1, 2]
        assert data.ignore_identical_ids

    def test_changed_files_are_read_anew(self, tmp_path, monkeypatch):
        """mteb's trap: new data under a new revision returned the old score."""
        monkeypatch.setenv("BENCH_DATA", str(tmp_path))
        prints = []
        for score in (1.0, 1.5):
            shutil.rmtree(tmp_path / "x", ignore_errors=True)
            hub_pairs(tmp_path / "x", {"en-en": [score, 2.0, 3.0]})
            task = Task(
                TaskCard(name="x", type="sts", hub="mteb/sts17-crosslingual-sts", mteb="STS17", subsets=["en-en"]),
                tmp_path,
            )
            [unit] = task.units()
            prints.append((unit.data.gold.tolist()[0], unit.fingerprint))
        assert [first for first, _ in prints] == [1.0, 1.5]
        assert prints[0][1] != prints[1][1]

    @pytest.mark.parametrize("asked", ["dev", "validation"])
    @pytest.mark.parametrize("there", ["dev", "validation"])
    def test_a_split_is_found_under_its_other_name(self, tmp_path, hub_cache, asked, there):
        rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": n} for n in range(4)]
        splits = {"test": rows[:2], there: rows}
        in_hub_cache(hub_cache, "mteb/stsbenchmark-sts", write_hub(tmp_path / "set", {"default": splits}))
        task = sources(tmp_path, hub="mteb/stsbenchmark-sts", mteb="STSBenchmark")
        assert task.load(asked, "default").data.n == 4
        with pytest.raises(NotAvailableError, match=r"no split `train`\n  hint: splits found: test, (dev|validation)"):
            task.load("train", "default")


class TestPartsInTheHubsCache:
    """A download that broke off leaves some parts of a table."""

    @pytest.fixture
    def snapshot(self, tmp_path, hub_cache) -> Path:
        folder = tmp_path / "set"
        for part in range(2):
            rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": float(n)} for n in range(part, part + 3)]
            write_parquet(folder / "data" / f"test-0000{part}-of-00002.parquet", rows)
        readme = "---\nconfigs:\n- config_name: default\n  data_files:\n  - {split: test, path: data/test-*}\n---\n"
        (folder / "README.md").write_text(readme)
        return in_hub_cache(hub_cache, "mteb/stsbenchmark-sts", folder)

    @pytest.mark.parametrize("readme", [True, False])
    def test_offline_it_says_which_are_missing(self, tmp_path, snapshot, readme):
        task = sources(tmp_path, hub="mteb/stsbenchmark-sts", mteb="STSBenchmark")
        if not readme:
            (snapshot / "README.md").unlink()
        assert task.load("test", "default").data.n == 6
        (snapshot / "data" / "test-00001-of-00002.parquet").unlink()
        with pytest.raises(NotAvailableError, match="1 of 2 parts are here") as caught:
            sources(tmp_path, hub="mteb/stsbenchmark-sts", mteb="STSBenchmark").load("test", "default")
        assert "missing: data/test-00001-of-00002.parquet" in caught.value.hint
        assert "put it into" not in caught.value.hint

    def test_online_the_rest_is_downloaded(self, tmp_path, snapshot, monkeypatch):
        part = snapshot / "data" / "test-00001-of-00002.parquet"
        content = part.read_bytes()
        part.unlink()
        asked = []

        def download(repo, *, local_files_only=False, **_):
            if not local_files_only:
                asked.append(repo)
                part.write_bytes(content)
            return str(snapshot)

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        task = sources(tmp_path, hub="mteb/stsbenchmark-sts", mteb="STSBenchmark")
        assert task.load("test", "default").data.n == 6
        assert asked == ["mteb/stsbenchmark-sts"]


class TestUnits:
    def test_large_data_is_let_go_and_read_again(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.tasks.unit._LARGE", 10)
        random_beir(tmp_path)
        [unit] = Task(TaskCard(name="x", type="retrieval"), tmp_path).units()
        before = unit.data
        unit.release()
        assert unit.info.n == len(before.queries)
        assert unit.data is not before
        assert unit.data.documents == before.documents

    def test_data_that_changed_in_between_is_an_error(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.tasks.unit._LARGE", 10)
        write_pairs(tmp_path / "test.jsonl")
        [unit] = Task(TaskCard(name="x", type="sts"), tmp_path).units()
        _ = unit.data
        unit.release()
        write_pairs(tmp_path / "test.jsonl", seed=1)
        with pytest.raises(BenchError, match="the data changed while bench was running"):
            _ = unit.data

    def test_small_data_stays(self, tmp_path):
        random_beir(tmp_path)
        [unit] = Task(TaskCard(name="x", type="retrieval"), tmp_path).units()
        before = unit.data
        unit.release()
        assert unit.data is before

    def test_training_data(self, tmp_path):
        write_pairs(tmp_path / "test.jsonl")
        task = Task(TaskCard(name="x", type="sts"), tmp_path)
        assert task.training() is None
        write_pairs(tmp_path / "train.jsonl", 20)
        assert task.training().data.n == 20


class TestSubsets:
    def tasks(self) -> list[Task]:
        return [
            Task(TaskCard(name="a", type="sts", subsets=["en-en", "ar-ar", "es-es"]), Path()),
            Task(TaskCard(name="b", type="retrieval"), Path()),
        ]

    def test_only_the_named_ones_in_the_cards_order(self):
        a, b = choose_subsets(self.tasks(), ["es-es", "en-en"])
        assert a.card.subsets == ["en-en", "es-es"]
        assert b.card.subsets is None

    def test_none_named_changes_nothing(self):
        assert choose_subsets(self.tasks(), []) == self.tasks()

    def test_an_unknown_one(self):
        with pytest.raises(BenchError, match="no task has a subset `en-em`") as caught:
            choose_subsets(self.tasks(), ["en-em"])
        assert caught.value.hint == "did you mean `en-en`?"


class TestShippedCards:
    def test_each_states_what_mteb_states(self):
        """Revision, subsets, splits and settings of the installed mteb, where a card stands for one of its tasks."""
        from bench.tasks.mteb_bridge import definition

        cards = [task.card for task in select_tasks([path.stem for path in SHIPPED.glob("*.yaml")], [SHIPPED])]
        ours = {card.name: card for card in cards if card.mteb}
        assert set(ours) == {
            "sts17", "sts22", "sts22.v2", "stsb", "scifact", "nfcorpus", "arguana", "fiqa", "quora",
        }  # fmt: skip
        for card in ours.values():
            theirs = definition(card.mteb)
            assert (card.hub, card.revision, card.type) == (theirs.dataset, theirs.revision, theirs.kind)
            assert tuple(card.splits) == theirs.splits
            assert tuple(card.subsets or ["default"]) == theirs.subsets
            assert card.ignore_identical_ids == theirs.ignore_identical_ids
            assert card.allow_empty

    def test_a_name_of_mteb_that_a_card_stands_for_is_that_card(self):
        assert [task.name for task in select_tasks(["mteb:SciFact", "scifact"], [SHIPPED])] == ["scifact"]

    def test_a_run_of_all_cards_leaves_out_what_lies_on_the_hub(self):
        assert [task.name for task in select_tasks([], [SHIPPED])] == ["hardware_store", "store_questions"]

    @pytest.mark.parametrize("name", ["sts17", "scifact", "arguana"])
    def test_offline_and_not_there(self, name):
        [task] = select_tasks([name], [SHIPPED])
        with pytest.raises(NotAvailableError, match=f"needs {task.card.hub}"):
            _ = task.units()[0].info


def test_a_card_of_wrong_keys(tmp_path):
    faults = {
        "revision: main": "`hub` is missing",
        "hub: nope": "String should match pattern",
        "subsets: [a/b]": "String should match pattern",
    }
    for line, words in faults.items():
        path = tmp_path / "x.yaml"
        path.write_text(f"name: x\ntype: sts\n{line}\n")
        with pytest.raises(BenchError) as caught:
            select_tasks([str(path)], [])
        assert words.lower() in str(caught.value).lower()


def test_json_is_written_as_the_hub_has_it(tmp_path):
    """A data set of JSON Lines files without Parquet is read through its README too."""
    folder = tmp_path / "x"
    folder.mkdir()
    rows = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": n} for n in range(4)]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = "- config_name: default\n  data_files:\n  - split: test\n    path: test.jsonl\n"
    (folder / "README.md").write_text(f"---\nconfigs:\n{config}---\n")
    loaded = sources(tmp_path, hub="mteb/stsbenchmark-sts", mteb="STSBenchmark", path=folder).load("test", "default")
    assert loaded.data.gold.tolist() == [0, 1, 2, 3]


class TestTables:
    """Cards of tables on the Hub: the whole where it is small, a sample of it where it is not."""

    CARD = """
name: x
type: retrieval
hub: org/triplets
table:
  shape: triplets
  files: {all: "hard/train-*.parquet"}
  sample: {test: 3, seed: 1}
"""

    @pytest.fixture
    def data(self, tmp_path) -> Path:
        folder = tmp_path / "data"
        (folder / "hard").mkdir(parents=True)
        for part in range(2):
            rows = range(part * 20, part * 20 + 20)
            columns = {
                "query": [f"query {row // 2}" for row in rows],
                "positive": [f"yes {row // 2}" for row in rows],
                "negative": [f"no {row}" for row in rows],
            }
            name = f"train-{part:05d}-of-00002.parquet"
            pq.write_table(pa.table(columns), folder / "hard" / name, row_group_size=4)
        return folder

    def unit(self, tmp_path: Path):
        path = tmp_path / "x.yaml"
        path.write_text(self.CARD)
        [task] = select_tasks([str(path)], [])
        [unit] = task.units()
        return unit

    @pytest.fixture
    def online(self, data, monkeypatch) -> list[str]:
        """A Hub whose data sets' files can be opened; the names of those that were."""
        return put_online(monkeypatch, "org/triplets", data)

    def test_a_sample_is_read_over_the_network_without_a_download(self, tmp_path, online):
        unit = self.unit(tmp_path)
        assert unit.info.n == 3
        assert unit.info.place.revision == COMMIT
        assert online

    def test_the_cache_gives_the_same_sample(self, tmp_path, monkeypatch, hub_cache, data, online):
        far = self.unit(tmp_path)
        far_print = far.fingerprint
        in_hub_cache(hub_cache, "org/triplets", data)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        near = self.unit(tmp_path)
        online.clear()
        assert near.fingerprint == far_print
        assert online == []

    def test_a_cache_that_lacks_a_part_is_not_taken_for_the_whole(self, tmp_path, hub_cache, data):
        snapshot = in_hub_cache(hub_cache, "org/triplets", data)
        (snapshot / "hard" / "train-00001-of-00002.parquet").unlink()
        with pytest.raises(NotAvailableError, match="needs org/triplets"):
            _ = self.unit(tmp_path).info

    def test_a_network_that_breaks_while_rows_are_read(self, tmp_path, monkeypatch, online):
        def broken(*_):
            raise RuntimeError("no answer")

        monkeypatch.setattr("huggingface_hub.HfFileSystem.open", broken)
        with pytest.raises(BenchError, match="could not get org/triplets from the Hub: no answer"):
            _ = self.unit(tmp_path).info


TABLES = {
    "home_depot": hub_home_depot,
    "home_depot_titles": hub_home_depot,
    "technographics": hub_questions,
    "msmarco_triplets": hub_triplets,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_every_shipped_card_is_read_from_the_hubs_cache_at_its_revision(tmp_path, hub_cache, name):
    [task] = select_tasks([name], [SHIPPED])
    card = task.card
    if name in TABLES:
        TABLES[name](tmp_path / "set")
    elif card.type == "retrieval":
        hub_retrieval(tmp_path / "set")
    else:
        subsets = card.subsets or ["default"]
        hub_pairs(tmp_path / "set", {subset: [1.0, 2.0, float(len(subset))] for subset in subsets})
    in_hub_cache(hub_cache, card.hub, tmp_path / "set", card.revision)
    units = task.units()
    assert len(units) == len(card.subsets or [1])
    assert {unit.info.place.revision for unit in units} == {card.revision}
    assert all(unit.info.n >= 2 for unit in units)
    assert len({unit.fingerprint for unit in units}) == len(units)
    if name in TABLES:
        assert task.training().info.n > 10
