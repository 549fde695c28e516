"""models.yaml in several files, and what a run takes of it."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.models.registry_file import load_registry


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_included_files_join_with_their_own_defaults_and_folders(tmp_path):
    write(
        tmp_path,
        main="include: [more/*.yaml, other.yaml]\ntasks: [mine]\ndefaults: {truncate_dims: [8]}\n"
        "models: [{name: a, source: ./a}]",
        other="models: [{name: z, source: ./z}]",
    )
    write(
        tmp_path / "more",
        b="tasks: [theirs]\nrun: [c]\ndefaults: {precisions: [binary]}\nmodels: [{name: b, source: ./b}]",
        c="models: [{name: c, source: ./c, truncate_dims: [4]}]",
    )
    registry = load_registry(tmp_path / "main.yaml")
    assert [(entry.name, entry.truncate_dims, entry.precisions) for entry in registry.models] == [
        ("a", [8], ["float32"]),
        ("b", None, ["binary"]),
        ("c", [4], ["float32"]),
        ("z", None, ["float32"]),
    ]
    assert [entry.base_dir for entry in registry.models] == [tmp_path, tmp_path / "more", tmp_path / "more", tmp_path]
    assert (registry.tasks, registry.run, registry.base_dir) == (["mine"], None, tmp_path)
    assert registry.in_run == registry.models


def test_a_file_alone_may_only_include(tmp_path):
    write(tmp_path, main="include: a.yaml", a="models: [{name: a, source: ./a}]")
    assert [entry.name for entry in load_registry(tmp_path / "main.yaml").models] == ["a"]


def test_files_that_include_each_other_are_read_once(tmp_path):
    write(tmp_path, main="include: more/*.yaml\nmodels: [{name: base, source: ./b}]")
    recipe = "recipe: {base: base, data: shop}"
    write(
        tmp_path / "more",
        one=f"include: ../main.yaml\nrun: [base, one]\nmodels: [{{name: one, kind: fine-tuned, {recipe}}}]",
        two="include: ../main.yaml\nmodels: [{name: two, source: ./two}]",
    )
    main, one = load_registry(tmp_path / "main.yaml"), load_registry(tmp_path / "more" / "one.yaml")
    assert [entry.name for entry in main.models] == ["base", "one", "two"]
    assert [entry.name for entry in one.models] == ["one", "base", "two"]
    assert [entry.name for entry in one.in_run] == ["one", "base"]
    assert one.models[0].base_entry == one.models[1]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("models: [{name: a, source: x}]\ninclude: [gone.yaml]", ["`include` finds no file gone.yaml"], 2),
        ("models: [{name: a, source: x}]\ninclude:\n  - b.yaml\n  - gone/*.yaml", ["no file gone/*.yaml"], 4),
        ("models: [{name: a, source: x}]\ninclude: []", ["`include`", "at least 1"], 2),
        ("models: [{name: a, source: x}]\ninclude: 3", ["`include`", "list"], 2),
        ("models: [{name: a, source: x}]\nrun: [b]", ["`run` names no model: b", "known models: a"], 2),
        ("models: [{name: a, source: x}]\nrun: []", ["`run`", "at least 1"], 2),
        ("models: [{name: a, source: x}]\nsubsets: [ar]", ["`subsets` are those of `tasks`"], 1),
    ],
)
def test_bad_includes_and_choices(tmp_path, text, words, line):
    write(tmp_path, main=text, b="models: [{name: c, source: ./c}]")
    with pytest.raises(UsageError) as caught:
        load_registry(tmp_path / "main.yaml")
    assert f"main.yaml, line {line}" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_faults_of_an_included_file_are_told_with_its_name(tmp_path):
    write(tmp_path, main="include: [b.yaml]\nmodels: [{name: a, source: x}]", b="models:\n  - name: a\n    source: y")
    with pytest.raises(UsageError, match="`a` stands twice") as caught:
        load_registry(tmp_path / "main.yaml")
    assert str(tmp_path / "b.yaml") + ", line 2" in str(caught.value)
    assert "main.yaml, line 2" in str(caught.value)
    write(tmp_path, b="models:\n  - name: b\n    kind: fine-tuned\n    recipe: {base: b, data: shop}")
    with pytest.raises(UsageError, match="circle") as caught:
        load_registry(tmp_path / "main.yaml")
    assert "b.yaml, line 4" in str(caught.value)


def test_a_folder_whose_name_looks_like_a_pattern(tmp_path):
    write(
        tmp_path / "[ab]*",
        main="include: more*.yaml\nmodels: [{name: a, source: x}]",
        more="models: [{name: m, source: y}]",
    )
    assert [entry.name for entry in load_registry(tmp_path / "[ab]*" / "main.yaml").models] == ["a", "m"]
