"""YAML as kubectl reads it, and where things stand."""

import pytest

from aks_access.cli.documents import Document, Position, YamlError, documents, locate


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


@pytest.mark.parametrize("depth", [1_200, 3_000])
def test_too_deep_is_said_in_words(depth: int) -> None:
    with pytest.raises(YamlError, match="too deep"):
        list(documents("a: " + "[" * depth + "]" * depth, source="x.yaml"))


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
