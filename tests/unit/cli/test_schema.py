"""What the API server would refuse of metadata, and objects that are meant to be ours."""

from pathlib import Path

import pytest

from tests.unit.cli.transcript import execute

GRANT = """\
apiVersion: {version}
kind: {kind}
metadata: {{{metadata}}}
spec: {{targetRef: {{name: c1}}, ipRanges: [81.2.69.142], expiresAt: 2026-12-01T00:00:00Z}}
"""
API = "aksaccess.dev/v1alpha1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def errors(*, metadata: str = "name: x", version: str = API, kind: str = "ApiAccessGrant") -> str:
    text = GRANT.format(version=version, kind=kind, metadata=metadata)
    Path("a.yaml").write_text(text)
    _, out, _ = execute("aks-access validate a.yaml")
    return "\n".join(line for line in out.splitlines() if " error " in line)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("name: Laptop", "3:18 error InvalidSpec: metadata.name: Laptop is no object's name"),
        (f"name: {'a' * 254}", "is no object's name"),
        ("generateName: a-", "metadata.name: the object needs a name (generateName makes"),
        ("name: a, namespace: a.b", "metadata.namespace: a.b is no namespace's name"),
        ("name: a, labels: {a: -b}", "metadata.labels.a: -b is no label's value"),
        ("name: a, labels: {a b: c}", "metadata.labels.a b: a b is no key"),
        ("name: a, labels: {a/b/c: d}", "a/b/c is no key"),
        ("name: a, annotations: {/a: b}", "metadata.annotations./a: /a is no key"),
        ("name: a, annotations: {a: 1}", "metadata.annotations.a: 1 is not text"),
    ],
)
def test_metadata_that_the_api_server_refuses_is_found(metadata: str, said: str) -> None:
    assert said in errors(metadata=metadata)


def test_metadata_that_the_api_server_takes_passes() -> None:
    long = "a" * 63
    taken = f"name: a.b-c, namespace: a-1, labels: {{A.b/c_d: {long}, e: ''}}"
    assert errors(metadata=f"{taken}, annotations: {{a.b/C: 'any thing: at all'}}") == ""


@pytest.mark.parametrize("version", ["aksacces.dev/v1alpha1", "v1alpha1", "''", "AksAccess.dev/v1"])
def test_a_slip_in_the_group_is_not_passed_over(version: str) -> None:
    assert f"write {API}." in errors(version=version)


@pytest.mark.parametrize(
    ("version", "kind"), [("example.com/v1", "IPRangeSet"), ("v1", "ConfigMap")]
)
def test_what_belongs_to_others_is_passed_over(version: str, kind: str) -> None:
    assert errors(version=version, kind=kind) == ""
