"""Documents are cut out of a file, and every other byte stays."""

from pathlib import Path
from textwrap import indent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aks_access.cli.files.pruning import cut
from tests.unit.cli.transcript import execute

PAST = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: past}
spec: {targetRef: {name: c1}, ipRanges: [81.2.69.142], expiresAt: 2026-11-01T00:00:00Z}
"""
BODIES = st.sampled_from(
    [
        "a: 1\n",
        "# before\na: ü # beside\n# after\n",
        "text: |\n  --- not a document\n  ...\nb: 2\n",
        'quoted: "--- {x}"\n',
        "[1, 2]\n",
        "{a: {b: c}}\n\n\n",
        "a: 1\r\nb: 2\r\n",
        "a: \u2028 b\n",
    ]
)
SEPARATORS = st.sampled_from(["---\n", "--- # why\n", "---\r\n"])
HEADS = st.sampled_from(["", "# licence\n", "# licence\n\n"])


@given(
    head=HEADS,
    parts=st.lists(st.tuples(SEPARATORS, BODIES), min_size=2, max_size=6),
    data=st.data(),
)
def test_what_is_left_is_the_same_bytes(
    head: str, parts: list[tuple[str, str]], data: st.DataObject
) -> None:
    whole = [separator + body for separator, body in parts]
    gone = data.draw(st.sets(st.integers(0, len(parts) - 1), max_size=len(parts) - 1))
    expected = head + "".join(part for n, part in enumerate(whole) if n not in gone)
    assert cut(head + "".join(whole), gone) == expected


@given(bodies=st.lists(BODIES, min_size=2, max_size=4))
def test_a_first_document_without_a_separator_goes_with_its_comments(bodies: list[str]) -> None:
    text = "# about the first\n" + "---\n".join(bodies)
    assert cut(text, {0}) == "---\n" + "---\n".join(bodies[1:])


def test_documents_with_nothing_in_them_do_not_keep_a_file() -> None:
    assert cut(f"---\n{PAST}---\n# nothing\n---\n", {0}) is None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gc(*arguments: str) -> str:
    code, out, err = execute(" ".join(["aks-access gc .", *arguments]))
    assert (code, err) == (0, "")
    return out


def test_only_what_is_sure_to_be_over_is_touched(folder: Path) -> None:
    quiet = {
        "invalid.yaml": PAST.replace("81.2.69.142", "10.0.0.1"),
        "twice.yaml": PAST + "kind: ApiAccessGrant\n",
        "older-api.yaml": PAST.replace("v1alpha1", "v1alpha0"),
        "broken.yaml": PAST + "{",
        "permanent.yaml": PAST.replace(", expiresAt: 2026-11-01T00:00:00Z", ""),
        "latin.yaml": PAST.replace("past", "ü").encode("latin-1"),
        "data.json": "{}",
    }
    for name, text in quiet.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "past.yaml").write_text(PAST)
    (folder / "link.yaml").symlink_to(folder / ".hidden" / "past.yaml")
    assert gc("--write") == "Nothing to remove.\n"
    assert (folder / ".hidden" / "past.yaml").exists()


def test_rights_of_an_edited_file_stay(folder: Path) -> None:
    file = folder / "two.yaml"
    file.write_text(f"{PAST}---\na: 1\n")
    file.chmod(0o640)
    gc("--write")
    assert file.read_text() == "---\na: 1\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in folder.iterdir()] == ["two.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("resources: [past.yaml, other.yaml] # x\n", "resources: [other.yaml] # x\n"),
        ("resources: [other.yaml, past.yaml]\n", "resources: [other.yaml]\n"),
        ("resources: [\n  ./past.yaml\n]\n", "resources: [\n  \n]\n"),
        ("resources:\r\n- past.yaml\r\n- b\r\n", "resources:\r\n- b\r\n"),
        ("resources:\n- past.yaml\n- past.yaml\n# end", "resources: []\n# end"),
        ('"resources":\n  # note\n  - past.yaml', '"resources": []\n  # note\n'),
        ("resources:\n- ../x/../past.yaml\n", None),
        ("resources: past.yaml\n", None),
    ],
)
def test_resources_are_kept_in_step(folder: Path, before: str, after: str | None) -> None:
    (folder / "past.yaml").write_text(PAST)
    file = folder / "kustomization.yaml"
    file.write_bytes(before.encode())
    out = gc("--write")
    assert not (folder / "past.yaml").exists()
    assert file.read_bytes().decode() == (before if after is None else after)
    assert ("updated kustomization.yaml" in out) is (after is not None)
    yaml.safe_load(file.read_text())


def test_kustomization_files_above_are_kept_in_step_within_the_repository(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "grants").mkdir()
    (folder / "grants" / "past.yaml").write_text(PAST)
    (folder / "kustomization.yaml").write_text("resources:\n  - grants/past.yaml\n  - b\n")
    code, out, _ = execute("aks-access gc grants --write")
    assert (code, out.splitlines()[-1]) == (0, "updated kustomization.yaml")
    assert (folder / "kustomization.yaml").read_text() == "resources:\n  - b\n"


def test_kustomization_files_elsewhere_in_the_repository_are_kept_in_step(folder: Path) -> None:
    for name in (".git", "grants", "apps"):
        (folder / name).mkdir()
    (folder / "grants" / "past.yaml").write_text(PAST)
    (folder / "apps" / "kustomization.yaml").write_text("resources: [../grants/past.yaml, b]\n")
    code, out, _ = execute("aks-access gc grants --write")
    assert (code, out.splitlines()[-1]) == (0, "updated apps/kustomization.yaml")
    assert (folder / "apps" / "kustomization.yaml").read_text() == "resources: [b]\n"


PATCH = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: past}
spec: {expiresAt: 2027-11-01T00:00:00Z}
"""
OVERLAY = "resources: [../base]\n"


@pytest.mark.parametrize(
    "overlay",
    [
        {"kustomization.yaml": f"{OVERLAY}patches: [path: p.yaml]\n", "p.yaml": PATCH},
        {"kustomization.yml": f"{OVERLAY}patchesStrategicMerge: [p.yaml]\n", "p.yaml": PATCH},
        {"Kustomization": f"{OVERLAY}patches:\n- patch: |\n{indent(PATCH, '    ')}"},
        {
            "kustomization.yaml": f"{OVERLAY}patches: [{{path: p.yaml, target: {{name: past}}}}]\n",
            "p.yaml": "[{op: replace, path: /spec/expiresAt, value: 2027-11-01T00:00:00Z}]",
        },
        {
            "kustomization.yaml": f"{OVERLAY}patches: "
            "[{path: p.yaml, target: {kind: Api.*Grant}}]\n",
            "p.yaml": "[]",
        },
        {
            "kustomization.yaml": f"{OVERLAY}components: [c]\n",
            "c/kustomization.yaml": "kind: Component\npatches: [path: p.yaml]\n",
            "c/p.yaml": PATCH,
        },
    ],
)
def test_a_grant_whose_end_an_overlay_may_move_stays(folder: Path, overlay: dict[str, str]) -> None:
    base = {"base/kustomization.yaml": "resources: [past.yaml]\n", "base/past.yaml": PAST}
    for name, text in {**base, **{f"over/{name}": text for name, text in overlay.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    out = gc("--write")
    assert out.startswith("left alone base/past.yaml: over/")
    assert "may change its grants by patches; edit that by hand" in out
    assert (folder / "base" / "past.yaml").read_text() == PAST


def test_patches_of_other_kinds_are_nothing_to_a_grant(folder: Path) -> None:
    (folder / "past.yaml").write_text(PAST)
    (folder / "kustomization.yaml").write_text(
        "resources: [past.yaml]\npatches:\n- {path: p.yaml, target: {kind: Deployment}}\n"
        "- patch: '{kind: ConfigMap, metadata: {name: x}}'\n"
    )
    (folder / "p.yaml").write_text("[{op: add, path: /spec/expiresAt}]")
    gc("--write")
    assert not (folder / "past.yaml").exists()


@pytest.mark.parametrize(
    "listing",
    [
        "resources: [past.yaml]\nconfigMapGenerator: [{name: x, files: [key=past.yaml]}]\n",
        "patches: [path: past.yaml]\n",
        "components: [past.yaml]\n",
        "resources: [past.yaml]\n---\n",
        "resources:\n- >-\n  past.yaml\n- other.yaml\n",
        "resources: [past.yaml\n",
        "x: &list [past.yaml, other.yaml]\nresources: *list\n",
    ],
)
def test_a_file_stays_where_its_kustomization_cannot_go_on_without(
    folder: Path, listing: str
) -> None:
    (folder / "past.yaml").write_text(PAST)
    (folder / "other.yaml").write_text(PAST.replace("2026-11-01", "2027-11-01"))
    (folder / "sub").mkdir()
    (folder / "another.yaml").write_text(PAST)
    (folder / "sub" / "kustomization.yaml").write_text(listing.replace("past", "../past"))
    out = gc("--write")
    assert "left alone past.yaml: sub/kustomization.yaml" in out
    assert (folder / "past.yaml").exists()
    assert not (folder / "another.yaml").exists(), "one file that stays keeps no other"


def test_a_kustomization_file_that_is_a_link_keeps_what_it_names(folder: Path) -> None:
    (folder / "past.yaml").write_text(PAST)
    (folder / "shared").write_text("resources: [past.yaml]\n")
    (folder / "kustomization.yaml").symlink_to("shared")
    assert gc("--write").startswith("left alone past.yaml: kustomization.yaml")
    assert (folder / "kustomization.yaml").is_symlink()


def test_a_grant_stays_as_long_as_it_says_itself(folder: Path) -> None:
    (folder / "past.yaml").write_text(
        PAST.replace("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z, retainAfterExpiry: 600h")
    )
    assert gc() == "Nothing to remove.\n"
    assert gc("--now", "2026-11-27T00:00:00Z").startswith("would remove past.yaml")


@pytest.mark.parametrize("gone", [{0}, {1}, {2}, {0, 2}])
@pytest.mark.parametrize("head", ["", "---\n", "# licence\n---\n"])
def test_a_byte_order_mark_stays_and_shifts_nothing(head: str, gone: set[int]) -> None:
    text = f"{head}a: 1\n---\nb: 2\n---\nc: 3\n"
    plain = cut(text, gone)
    assert plain is not None
    assert cut(f"\ufeff{text}", gone) == f"\ufeff{plain}"


def test_a_byte_order_mark_of_a_kustomization_file_stays(folder: Path) -> None:
    (folder / "past.yaml").write_text(PAST)
    (folder / "kustomization.yaml").write_text("\ufeffresources: [past.yaml, b]\n")
    gc("--write")
    assert (folder / "kustomization.yaml").read_text() == "\ufeffresources: [b]\n"


def test_a_kustomization_file_that_is_not_utf_8_keeps_what_is_beside_it(folder: Path) -> None:
    (folder / "past.yaml").write_text(PAST)
    (folder / "kustomization.yaml").write_bytes(b"# M\xfcller\nresources: [past.yaml]\n")
    assert gc("--write").startswith("left alone past.yaml: kustomization.yaml is no YAML")
