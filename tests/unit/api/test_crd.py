"""The generated CRDs: in step with the models, structural, documented, and without defaults."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.api import crd
from aks_access.api.names import Kind

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "crds"
MAX_BYTES = 256 * 1024


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from _nodes(field, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if part in schema:
            yield from _nodes(schema[part], f"{path}[]")


def _schema(kind: Kind) -> dict[str, Any]:
    version = crd.definition(kind)["spec"]["versions"][0]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def test_the_files_are_in_step_with_the_models() -> None:
    assert crd.stale(FOLDER) == []
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(map(crd.file_name, Kind))


def test_check_says_which_file_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crd.main(["--write", str(tmp_path)]) == 0
    assert crd.main(["--check", str(tmp_path)]) == 0
    changed = tmp_path / crd.file_name(Kind.TARGET)
    changed.write_text(changed.read_text() + "# edited\n")
    assert crd.main(["--check", str(tmp_path)]) == 1
    assert f"{changed} differs from the models; run --write" in capsys.readouterr().err


@pytest.mark.parametrize("kind", list(Kind))
def test_files_are_plain_yaml_and_small_enough_to_apply(kind: Kind) -> None:
    text = crd.render(kind)
    assert len(text.encode()) < MAX_BYTES
    assert yaml.safe_load(text) == crd.definition(kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_node_is_structural_and_every_field_described(kind: Kind) -> None:
    for path, node in _nodes(_schema(kind)):
        assert "type" in node, path
        assert not {"default", "$ref", "anyOf", "title", "pattern"} & node.keys(), path
        for name, field in node.get("properties", {}).items():
            if path or name in ("spec", "status"):
                text = field.get("description", "")
                assert "Example: " in text or text.endswith("."), f"{path}.{name}"


@pytest.mark.parametrize("kind", list(Kind))
def test_leaf_fields_have_an_example(kind: Kind) -> None:
    spec = _schema(kind)["properties"]["spec"]
    for path, node in _nodes(spec, "spec"):
        if node["type"] not in ("object",) and not path.endswith("[]"):
            assert "Example: " in node["description"], path


@pytest.mark.parametrize("kind", list(Kind))
def test_spec_lists_and_texts_are_bounded_and_atomic(kind: Kind) -> None:
    for path, node in _nodes(_schema(kind)["properties"]["spec"], "spec"):
        match node["type"]:
            case "array":
                assert node["x-kubernetes-list-type"] == "atomic", path
                assert node["maxItems"] <= 2000, path
            case "string":
                assert "maxLength" in node or "enum" in node, path
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, path


@pytest.mark.parametrize("kind", list(Kind))
def test_every_rule_has_a_message(kind: Kind) -> None:
    rules = [
        rule
        for _, node in _nodes(_schema(kind))
        for rule in node.get("x-kubernetes-validations", [])
    ]
    assert rules
    assert all(rule["message"] and rule["message"].isprintable() for rule in rules)


def test_a_field_without_description_is_refused() -> None:
    node = {"type": "object", "properties": {"name": {"type": "string"}}}
    with pytest.raises(ValueError, match=r"status\.name has no description"):
        crd._structural(node, definitions={}, path="status")


@pytest.mark.parametrize("kind", list(Kind))
def test_names_and_columns(kind: Kind) -> None:
    spec = crd.definition(kind)["spec"]
    assert spec["names"]["categories"] == ["api-access"]
    assert spec["scope"] == ("Namespaced" if kind is Kind.GRANT else "Cluster")
    expected = {
        Kind.GRANT: (
            ["TARGET", "STATE", "IN-AZURE", "EXPIRES", "AGE"],
            ["RANGES", "REQUESTED-BY", "REASON", "MESSAGE"],
        ),
        Kind.TARGET: (
            ["MODE", "STATE", "ENTRIES", "GRANTS", "FOREIGN", "DIFF", "NEXT"],
            ["MESSAGE"],
        ),
        Kind.RANGE_SET: (["STATE", "RANGES", "AGE"], ["DESCRIPTION", "MESSAGE"]),
    }
    columns = spec["versions"][0]["additionalPrinterColumns"]
    shown = [column["name"] for column in columns if not column.get("priority")]
    wide = [column["name"] for column in columns if column.get("priority")]
    assert (shown, wide) == expected[kind]
    assert all(column["type"] != "date" or column["name"] == "AGE" for column in columns)
