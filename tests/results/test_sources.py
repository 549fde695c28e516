from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quality_record

from bench.errors import BenchError, UsageError
from bench.results import archives, revisions
from bench.results.archives import unpack_results
from bench.results.sources import open_source, parse_source
from bench.results.store import ResultStore, read_items

LONG_AGO = "2026-01-01T00:00:00+00:00"


def git(folder, *arguments):
    settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always", "-c", "gc.auto=0"]
    done = subprocess.run(["git", "-C", str(folder), *settings, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write_results(folder, value=0.5, model="mini"):
    record = quality_record(model, views={(8, "float32"): value}, created=LONG_AGO)
    store = ResultStore(folder)
    store.write_quality(record, {"query_id": ["a"], "ndcg_at_10": [value]})
    store.write_environment("env", {"cpu": "fast"})
    return folder


def values(folder):
    """Main scores and the tables behind them, as a reader of the folder sees them."""
    return [
        (record.views[0].metrics["ndcg_at_10"].value, read_items(path, record).to_pydict()["ndcg_at_10"])
        for path, record in ResultStore(folder).records()
    ]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two commits on main (0.25, then 0.5), a work tree that has moved on (0.75), and a subfolder with its own."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "--initial-branch=main", "--quiet")
    for value in (0.25, 0.5):
        for name in ("results", "part"):
            shutil.rmtree(root / name, ignore_errors=True)
        write_results(root / "results", value)
        write_results(root / "part" / "results", value + 0.1)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", f"at {value}")
    git(root, "tag", "first", "HEAD~1")
    shutil.rmtree(root / "results")
    write_results(root / "results", 0.75)
    return root


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("results", 0.75),
        ("./results", 0.75),
        ("main:results", 0.5),
        ("git:main", 0.5),
        ("git:main:results", 0.5),
        ("git:HEAD~1", 0.25),
        ("first:results/", 0.25),
        ("main:part/results", 0.6),
        ("git:main:./part/results", 0.6),
        ("git:HEAD^{/at 0.25}:results", 0.25),
    ],
)
def test_each_way_to_name_results(repository, text, value):
    before = git(repository, "status", "--porcelain")
    with open_source(text, repository) as folder:
        assert values(folder) == [(value, [value])]
        assert ResultStore(folder).environments() == {"env": {"cpu": "fast"}}
    assert git(repository, "status", "--porcelain") == before
    assert values(repository / "results") == [(0.75, [0.75])]


def test_a_revision_alone_means_the_results_beside_this_folder(repository):
    with open_source("git:main", repository / "part") as folder:
        assert values(folder) == [(0.6, [0.6])]
    with open_source("git:main:../results", repository / "part") as folder:
        assert values(folder) == [(0.5, [0.5])]


def test_the_copy_goes_when_the_block_ends(repository):
    with open_source("main:results", repository) as folder:
        assert folder.is_dir()
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), open_source("main:results", repository) as folder:
        _ = 1 / 0
    assert not folder.exists()


def test_an_error_in_a_copied_file_names_the_source(repository):
    (repository / "results" / "quality" / "shop" / "broken.json").write_text("{")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "broken")
    with pytest.raises(BenchError) as caught, open_source("main:results", repository) as folder:
        ResultStore(folder).records()
    assert caught.value.where == "main:results/quality/shop/broken.json"


def test_only_the_results_own_files_are_read(repository):
    extra = repository / "results" / "quality" / "shop"
    (extra / "note.txt").write_text("note")
    (extra / "._x.json").write_text("resource fork")
    (repository / "results" / "README.json").write_text("no record")
    (repository / "results" / "link").symlink_to("/etc/passwd")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "more")
    with open_source("main:results", repository) as folder:
        suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
        assert suffixes == {".json", ".parquet"}
        assert len(values(folder)) == 1


def test_a_link_among_the_results_of_a_revision_is_refused(repository):
    (repository / "results" / "quality" / "shop" / "evil.json").symlink_to("/etc/passwd")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "link")
    with pytest.raises(BenchError, match="is no file but a link"), open_source("git:main", repository):
        pass


def test_a_pointer_of_git_lfs_says_so(repository):
    table = next((repository / "results").rglob("*.parquet"))
    table.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "lfs")
    with pytest.raises(BenchError, match="stored by Git LFS"), open_source("git:main", repository):
        pass


def failure(text, where):
    with pytest.raises(BenchError) as caught, open_source(text, where):
        pass
    return caught.value


def test_a_missing_revision_or_folder_says_what_to_do(repository):
    assert "no commit `nowhere`" in failure("nowhere:results", repository).message
    error = failure("main:nowhere", repository)
    assert "no folder `nowhere` in the revision `main`" in error.message
    assert "git ls-tree" in error.hint
    assert "no folder" in failure("main:part/results/quality/shop/../../../../.gitignore", repository).message


def test_a_folder_or_revision_without_results_says_so(repository, tmp_path):
    (tmp_path / "empty").mkdir()
    error = failure("empty", tmp_path)
    assert (error.message, error.where) == ("no results in it", "empty")
    assert failure("main:part", repository).message == "no results in it"
    assert "repo/results" in failure("repo", tmp_path).hint
    assert "no such results folder" in failure("nowhere", tmp_path).message


def test_a_place_without_a_repository_or_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not in a git repository" in failure("main:results", tmp_path).message
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in failure("main:results", tmp_path).message


@pytest.fixture
def shallow(repository, tmp_path):
    """A clone of depth 1 of another branch, as CI makes it of a pull request."""
    git(repository, "checkout", "--quiet", "-b", "change", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "change")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{repository}", "shallow")
    return tmp_path / "shallow"


def test_a_shallow_clone_says_how_to_fetch_what_it_lacks_and_that_works(shallow):
    with open_source("git:HEAD", shallow) as folder:
        assert values(folder) == [(0.5, [0.5])]
    error = failure("main:results", shallow)
    assert "git fetch --depth=1 origin main:refs/remotes/origin/main" in error.hint
    git(shallow, *error.hint.split("git ", 1)[1].split(",")[0].split())
    with open_source("origin/main:results", shallow) as folder:
        assert values(folder) == [(0.5, [0.5])]
    assert "did you mean `git:origin/main`?" in failure("main:results", shallow).hint
    assert "--deepen" in failure("git:HEAD~2", shallow).hint


@pytest.mark.parametrize("text", ["git:", "git:--output=x", "-x:results", "git:a\nb", " ", "git:a{b", ":results"])
def test_what_names_no_revision_is_wrong_usage(text, repository):
    with pytest.raises(UsageError), open_source(text, repository):
        pass


@pytest.mark.parametrize("path", ["/etc", "../results", "./../..", "a/../../b"])
def test_a_path_does_not_leave_the_repository(path, repository):
    with pytest.raises(UsageError, match="leads out of the repository"), open_source(f"git:main:{path}", repository):
        pass


def test_what_git_would_take_for_a_range_is_no_commit(repository):
    assert "no commit" in failure("git:^main", repository).message
    assert "no commit" in failure("git:main..HEAD", repository).message


def test_a_path_that_exists_is_no_revision(repository):
    write_results(repository / "main:results", 0.125)
    with open_source("main:results", repository) as folder:
        assert values(folder) == [(0.125, [0.125])]
    with open_source("git:main:results", repository) as folder:
        assert values(folder) == [(0.5, [0.5])]


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,20}", fullmatch=True), st.text("ab/.:{}@ ", max_size=12))
def test_a_revision_ends_at_its_first_colon(revision, path):
    found = parse_source(f"git:{revision}:{path}", Path("/nowhere"))
    assert (found.revision, found.path) == (revision, path)


# Archives.


def pack(path, folder, prefix=""):
    """An archive of a folder, by the suffix of its name."""
    files = {f"{prefix}{file.relative_to(folder)}": file for file in sorted(folder.rglob("*")) if file.is_file()}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, file in files.items():
                archive.write(file, name)
    else:
        with tarfile.open(path, f"w:{path.suffix[1:].replace('tgz', 'gz').replace('tar', '')}") as archive:
            for name, file in files.items():
                archive.add(file, name)
    return path


@pytest.mark.parametrize("name", ["r.zip", "r.tar", "r.tar.gz", "r.tgz", "r.tar.xz", "r.tar.bz2", "unnamed"])
@pytest.mark.parametrize("prefix", ["", "results/", "repo-1.0/data/results/"])
def test_archives_are_read_wherever_the_results_stand_in_them(tmp_path, name, prefix):
    folder = write_results(tmp_path / "in", 0.375)
    # A folder further down that looks like results is not them.
    write_results(folder / "quality" / "quality", 0.1, "deeper")
    path = pack(tmp_path / (name if "." in name else "r.zip"), folder, prefix)
    path = path.rename(tmp_path / name)
    with open_source(name, tmp_path) as found:
        assert (0.375, [0.375]) in values(found)
        assert ResultStore(found).environments() == {"env": {"cpu": "fast"}}
    assert not found.exists()


def tar_with(path, *members, good=True):
    with tarfile.open(path, "w:gz") as archive:
        if good:
            record = b"{}"
            entry = tarfile.TarInfo("results/quality/shop/x.json")
            entry.size = len(record)
            archive.addfile(entry, io.BytesIO(record))
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name, kind=tarfile.REGTYPE, target="", size=0):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, target, size
    return entry


@pytest.mark.parametrize(
    "evil",
    [
        member("/etc/cron.d/x"),
        member("results/quality/../../../x.json"),
        member("../x.json"),
        member("results\\..\\..\\x.json"),
        member("C:\\x.json"),
        member("results/quality/shop/link.json", tarfile.SYMTYPE, "/etc/passwd"),
        member("results/quality/shop/hard.json", tarfile.LNKTYPE, "results/quality/shop/x.json"),
        member("results/cost", tarfile.SYMTYPE, "/tmp"),
        member("results/quality/shop/device.json", tarfile.CHRTYPE),
        member("results/quality/shop/x.json"),
    ],
    ids=lambda entry: f"{entry.name}-{entry.type}",
)
def test_evil_members_of_a_tar_are_refused_and_nothing_is_left(tmp_path, evil):
    path = tar_with(tmp_path / "evil.tgz", evil)
    with pytest.raises(BenchError, match=r"leads out|no file but a link|stands in it twice"), open_source(str(path)):
        pass
    assert [file.name for file in tmp_path.rglob("*")] == ["evil.tgz"]


@pytest.mark.parametrize("name", ["/x.json", "results/quality/../../../x.json", "..\\x.json"])
def test_evil_names_in_a_zip_are_refused(tmp_path, name):
    path = pack(tmp_path / "evil.zip", write_results(tmp_path / "in"), "results/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "{}")
    assert "leads out" in failure("evil.zip", tmp_path).message


def test_a_link_in_a_zip_is_refused_only_among_the_results(tmp_path):
    path = pack(tmp_path / "evil.zip", write_results(tmp_path / "in"), "results/")
    entry = zipfile.ZipInfo("docs/link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with open_source("evil.zip", tmp_path) as found:
        assert len(values(found)) == 1
    entry.filename = "results/quality/shop/link.json"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "no file but a link" in failure("evil.zip", tmp_path).message


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tgz"])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path, name):
    inside = tmp_path / "in" / "quality" / "shop"
    inside.mkdir(parents=True)
    (inside / "x.json").write_bytes(bytes(3_000_000))
    path = tmp_path / name
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(inside / "x.json", "quality/shop/x.json")
    else:
        pack(path, tmp_path / "in")
    assert path.stat().st_size < 10_000
    (tmp_path / "out").mkdir()
    with pytest.raises(BenchError, match="no results folder is so large"):
        unpack_results(path, tmp_path / "out", most_bytes=1_000_000)
    written = sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert written <= 1_000_000 + archives._BLOCK


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path):
    path = pack(tmp_path / "r.zip", write_results(tmp_path / "in"))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.infolist()[0].file_size
    path.write_bytes(bytes(content).replace(size.to_bytes(4, "little"), (size - 1).to_bytes(4, "little")))
    assert "broken archive" in failure("r.zip", tmp_path).message


def test_what_is_no_archive_or_holds_nothing(tmp_path):
    (tmp_path / "text.zip").write_text("text")
    assert "neither a folder nor" in failure("text.zip", tmp_path).message
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("environments/prod.json", "{}")
    assert failure("empty.zip", tmp_path).message == "no results in this archive"
    (tmp_path / "cut.tgz").write_bytes(pack(tmp_path / "r.tgz", write_results(tmp_path / "in")).read_bytes()[:-200])
    assert "archive" in failure("cut.tgz", tmp_path).message


def test_two_results_folders_side_by_side_are_not_chosen_from(tmp_path):
    write_results(tmp_path / "in" / "old")
    write_results(tmp_path / "in" / "new")
    pack(tmp_path / "r.zip", tmp_path / "in")
    assert "several results folders: new, old" in failure("r.zip", tmp_path).message


def test_a_results_folder_too_large_in_a_revision(repository, monkeypatch):
    monkeypatch.setattr(revisions, "MOST_BYTES", 10)
    assert "too large" in failure("git:main", repository).message
