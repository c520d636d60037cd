"""Reports are read as the API's models read them, damaged ones too."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aks_access.api.base import LENIENT, LenientModel
from aks_access.api.grant import GrantStatus
from aks_access.api.meta import ObjectMeta
from aks_access.api.target_status import TargetStatus
from aks_access.cli.reports.reported import GrantReport, Metadata, Part, TargetReport, read
from tests.unit.cli import scene

MODELS: dict[type[Any], type[LenientModel]] = {
    Metadata: ObjectMeta,
    TargetReport: TargetStatus,
    GrantReport: GrantStatus,
}
ODD = [None, True, 7, -1, "x", "", [], {}, [7], ["x"], {"name": 7}, 2.5]
"""What might stand where something else is expected."""


def reports() -> list[tuple[type[Any], dict[str, Any]]]:
    kinds = {"ApiAccessTarget": TargetReport, "ApiAccessGrant": GrantReport}
    objects = [each for each in scene.objects() if each["kind"] in kinds]
    return [
        *((kinds[each["kind"]], each["status"]) for each in objects if "status" in each),
        *((Metadata, each["metadata"]) for each in objects),
    ]


def same(found: object, known: object) -> bool:
    """Whether all that `found` holds is what the model holds."""
    if isinstance(found, Part):
        return all(
            same(getattr(found, name), getattr(known, name)) for name in found.__struct_fields__
        )
    if isinstance(found, tuple):
        assert isinstance(known, tuple)
        return len(found) == len(known) and all(map(same, found, known))
    return found == known and (type(found) is not bool or type(known) is bool)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, each in inner:
        yield from places(each, (*at, key))


def damaged(value: dict[str, Any], *, at: tuple[Any, ...], by: object) -> dict[str, Any]:
    made = copy.deepcopy(value)
    inner: Any = made
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = by
    return made


def test_what_the_operator_writes_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aks_access.cli.reports.reported._readable", None)
    for kind, value in reports():
        assert same(read(kind, value), MODELS[kind].model_validate(value, context=LENIENT))


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_report_keeps_what_the_models_keep(data: st.DataObject) -> None:
    kind, value = data.draw(st.sampled_from(reports()))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(list(places(value))))
        value = damaged(value, at=at, by=data.draw(st.sampled_from(ODD)))
    assert same(read(kind, value), MODELS[kind].model_validate(value, context=LENIENT))


@pytest.mark.parametrize("nothing", [None, [], "x", 7])
@pytest.mark.parametrize("kind", MODELS)
def test_nothing_is_an_empty_report(kind: type[Any], nothing: object) -> None:
    assert read(kind, nothing) == kind()


def test_an_instant_with_an_offset_is_told_in_utc() -> None:
    found = read(GrantReport, {"expiresAt": "2026-11-22T20:00:00.5+02:00"})
    assert found.expires_at is not None
    assert found.expires_at.isoformat() == "2026-11-22T18:00:00.500000+00:00"


def test_a_condition_is_told_to_programs_as_the_api_has_it() -> None:
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Active",
        "message": "",
        "lastTransitionTime": "2026-11-22T18:00:00Z",
    }
    (found,) = read(GrantReport, {"conditions": [condition]}).conditions
    assert found.to_json() == condition
    assert msgspec.json.decode(msgspec.json.encode(found.to_json())) == condition
