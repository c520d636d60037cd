"""The values that the chart's tests render: a file each, with what becomes of it beside it."""

from pathlib import Path
from typing import Any

import yaml

from sandbox import chart

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "chart"
NAMES = sorted(path.name.removesuffix(".values.yaml") for path in GOLDEN.glob("*.values.yaml"))

Documents = list[dict[str, Any]]


def values_file(name: str) -> Path:
    return GOLDEN / f"{name}.values.yaml"


def documents(text: str) -> Documents:
    return [each for each in yaml.safe_load_all(text) if each]


def rendered(name: str = "default", **values: str) -> Documents:
    """The objects of a values file, with `values` set over it (`azure.auth="…"`)."""
    sets = [f"--set={path}={value}" for path, value in values.items()]
    return documents(chart.render("--values", str(values_file(name)), *sets))


def all_of(objects: Documents, kind: str) -> Documents:
    return [each for each in objects if each["kind"] == kind]


def one_of(objects: Documents, kind: str, *, name: str | None = None) -> dict[str, Any]:
    [found] = [
        each for each in all_of(objects, kind) if name is None or each["metadata"]["name"] == name
    ]
    return found


def pod(objects: Documents) -> dict[str, Any]:
    template: dict[str, Any] = one_of(objects, "Deployment")["spec"]["template"]
    return template


def container(objects: Documents) -> dict[str, Any]:
    [found] = pod(objects)["spec"]["containers"]
    return dict(found)


def environment(objects: Documents) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container(objects)["env"]}
