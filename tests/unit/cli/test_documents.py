"""YAML as kubectl reads it, and where things stand."""

import pytest

from aks_access.cli.files.documents import Document, documents
from aks_access.cli.files.nodes import YamlError
from aks_access.cli.files.places import Position, locate
from aks_access.cli.grants.ask import as_yaml


def one(text: str) -> Document:
    [document] = documents(text, source="x.yaml")
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22", "2026-11-22"),
        ("8:30", "8:30"),
        ("1:30:00", "1:30:00"),
        ("20.50.1.7", "20.50.1.7"),
        ("0644", 0o644),
        ("0x10", 16),
        ("1_000", 1000),
        ("08", 8),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("on", True),
        ("no", False),
        ("True", True),
        ("~", None),
        ("", None),
        ("'no'", "no"),
        ("!!str 7", "7"),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_kubectl_takes_it_for(text: str, value: object) -> None:
    found = one(f"v: {text}").raw["v"]
    assert (found, type(found)) == (value, type(value))


def test_an_anchor_and_a_merge_key_are_followed() -> None:
    document = one("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc: [*x]\n")
    assert document.raw["b"] == {"k": 1, "l": 3}
    assert document.raw["c"] == [{"k": 1, "l": 2}]
    assert document.mistakes == ()


def test_a_bomb_of_aliases_stays_small() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 20)]
    assert len(one("\n".join(lines)).raw) == 20


def test_a_structure_within_itself_ends() -> None:
    document = one("a: &a\n  b: *a\n")
    assert document.raw["a"]["b"] is document.raw["a"]
    [mistake] = document.mistakes
    assert "within itself" in mistake.message


@pytest.mark.parametrize("depth", [1_200, 3_000, 200_000])
@pytest.mark.parametrize("level", ["[", "{a: ", "- ", "? "])
def test_too_deep_is_said_in_words(level: str, depth: int) -> None:
    """libyaml's own recursion would end the process with a signal."""
    with pytest.raises(YamlError, match="too deep"):
        list(documents("a: 1\n---\n" + level * depth, source="x.yaml"))


def test_too_deep_in_lines_is_said_too() -> None:
    with pytest.raises(YamlError, match="too deep"):
        list(documents("".join(f"{' ' * n}a:\n" for n in range(1_000)), source="x.yaml"))


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("v: {a: 1, a: 2}", {"a": 2}, "a is here twice"),
        ("x: &x {a: 1}\nv: {a: 2, <<: *x}", {"a": 1}, "a stands above <<"),
        ("x: &x {a: 1}\nv: {a: 1, <<: *x}", {"a": 1}, ""),
        ("x: [&x {a: 1}, &y {a: 2, b: 3}]\nv: {<<: [*x, *y]}", {"a": 1, "b": 3}, ""),
        ("v: {<<: 7}", {}, "<< takes a map"),
        ("v: {[1]: 7}", {}, "a field's name is text"),
    ],
)
def test_where_parsers_differ_kubectls_value_counts_and_it_is_said(
    text: str, value: object, said: str
) -> None:
    document = one(text)
    assert document.raw["v"] == value
    found = [mistake.message for mistake in document.mistakes]
    assert len(found) == bool(said)
    assert said in "".join(found)


def test_a_field_that_is_twice_is_found_where_its_value_counts() -> None:
    assert one("a: {k: 1}\na: {k: 2}").locate("a.k") == Position(2, 8)


def test_a_list_with_items_twice_is_read_as_kubectl_does_and_said() -> None:
    [document] = documents("kind: List\nitems: []\nitems: [{a: 1}]", source="x.yaml")
    assert document.raw == {"a": 1}
    assert [each.message for each in document.mistakes] == [
        "items is here twice, first in line 2; keep one of them"
    ]


def test_json_may_escape_what_is_beyond_the_first_plane() -> None:
    text = r'{"a": "\ud83d\ude00 \/", "b": "\\ud83d\\ude00"}'
    assert one(text).raw == {"a": "\U0001f600 /", "b": r"\ud83d\ude00"}


def test_lists_of_any_kind_are_taken_apart_and_documents_counted() -> None:
    text = (
        "kind: List\nitems: [{a: 1}, {a: 2}]\n---\n---\nkind: ApiAccessGrantList\nitems: [{a: 3}]\n"
    )
    found = list(documents(text, source="x.yaml"))
    assert [(each.index, each.raw["a"], each.listed) for each in found] == [
        (0, 1, True),
        (0, 2, True),
        (2, 3, True),
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("spec.ipRanges[1]", (3, 17)),
        ("spec.ipRanges[7]", (3, 3)),
        ("spec.absent", (2, 1)),
        ("spec.labels.a.b/c.d", (5, 14)),
        ("spec.labels.a", (6, 8)),
        ("spec.empty", (7, 9)),
        ("nothing", (1, 1)),
        ("", (1, 1)),
    ],
)
def test_a_path_has_a_place(path: str, place: tuple[int, int]) -> None:
    labels = "  labels:\n    a.b/c.d: value\n    a: other\n"
    found = one(f"kind: X\nspec:\n  ipRanges: [a, b]\n{labels}  empty:\n").locate(path)
    assert found == Position(*place)


def test_a_place_is_in_characters() -> None:
    assert locate(one("a: {ü: ö, x: 1}").node, "a.x") == Position(1, 14)


def test_a_character_that_may_not_be_has_a_place() -> None:
    with pytest.raises(YamlError) as caught:
        list(documents("a: 1\nü: x\0y\n", source="x.yaml"))
    assert caught.value.position == Position(2, 5)


@pytest.mark.parametrize(
    "word", ["n", "y", "on", "1e3", "0o7", ".inf", "<<", "12:30", "2026-11-22"]
)
def test_what_commands_write_is_read_as_the_same_text(word: str) -> None:
    made = {"name": word, "list": [word], word: "key"}
    assert [each.raw for each in documents(as_yaml(made), source="x")] == [made]
