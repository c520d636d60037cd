"""The way out of a refusal, as the flag that whoever sits at a command line may use."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from aks_access.api.timestamps import format_timestamp
from tests.unit.cli.desk import TARGET, execute_at, manifest
from tests.unit.cli.guarded import GRANT, desk
from tests.unit.cli.transcript import NOW

EXTEND = "aks-access extend dev-laptop --for"


def strict(**policy: Any) -> dict[str, Any]:
    """The target with more rules."""
    spec = TARGET["spec"]
    return {**TARGET, "spec": {**spec, "policy": {**spec["policy"], **policy}}}


def begun(*, minutes: int) -> dict[str, Any]:
    """The grant, whose access began so long ago."""
    started = format_timestamp(NOW - timedelta(minutes=minutes))
    return {**manifest(), "status": {"periodStart": started}}


@pytest.mark.parametrize(
    ("there", "command", "way"),
    [
        (
            None,
            GRANT.replace("4h", "25h"),
            "Use --for 24h at most (--until 2026-11-23T10:00:00Z), or ask platform@contoso.com.",
        ),
        (
            begun(minutes=90),
            f"{EXTEND} 23h",
            "Use --until 2026-11-23T08:30:00Z at most, or ask platform@contoso.com.",
        ),
    ],
)
def test_the_longest_end_is_named_and_is_taken(
    there: Mapping[str, Any] | None, command: str, way: str
) -> None:
    place = desk(*([there] if there else []))
    code, _, err = execute_at(command, desk=place)
    assert (code, err.rstrip().endswith(f"after the start of access. {way}")) == (1, True), err
    last = way.partition("--until ")[2][:20]
    flags = command.rpartition("--for")[0]
    rest = command.rpartition("--for")[2].partition(" --")[2]
    exact = f"{flags}--until {last}{f' --{rest}' if rest else ''}"
    assert execute_at(exact, desk=place)[0] == 0
    later = format_timestamp(NOW + timedelta(days=2))
    assert execute_at(exact.replace(last, later), desk=place)[0] == 1


def test_a_time_that_is_used_up_has_another_way() -> None:
    place = desk(strict(maxDuration="1h"), begun(minutes=90))
    code, _, err = execute_at(f"{EXTEND} 5h", desk=place)
    assert (code, "All of that is used up: revoke it, and ask again" in err) == (1, True)


@pytest.mark.parametrize(
    ("rule", "field", "flag"),
    [
        ("requireTicket", "ticketRef", "--ticket"),
        ("requireRequestedBy", "requestedBy", "--requested-by"),
    ],
)
def test_what_is_missing_is_the_flag_for_it(rule: str, field: str, flag: str) -> None:
    place = desk(strict(**{rule: True}))
    code, _, err = execute_at(GRANT, desk=place)
    assert (code, f"without spec.{field}. " in err, f"{flag}, or ask" in err) == (1, True, True)
    assert execute_at(f"{GRANT} {flag} x", desk=place)[0] == 0
    place.hub.add(manifest())
    code, _, err = execute_at(f"{EXTEND} 5h", desk=place)
    way = f"Give it by `grant`, with {flag} and the same --name, or ask"
    assert (code, way in err) == (1, True)
    assert execute_at(f"{GRANT} {flag} x --name dev-laptop", desk=place)[0] == 0
    assert execute_at(f"{EXTEND} 5h", desk=place)[0] == 0


def test_a_target_that_is_not_there_is_an_argument() -> None:
    lists = "`kubectl get aat` lists those there are.\n"
    code, _, err = execute_at(GRANT.replace("prod-weu", "prod-wue"), desk=desk())
    way = f'No target "prod-wue". Open to this namespace: prod-weu. Give another TARGET; {lists}'
    assert (code, err.endswith(way)) == (1, True), err
    place = desk(manifest(targetRef={"name": "prod-wue"}))
    code, _, err = execute_at(f"{EXTEND} 5h", desk=place)
    assert code == 1
    assert err.endswith(f"Give it by `grant`, with another TARGET and the same --name; {lists}")
    assert execute_at(f"{GRANT} --name dev-laptop", desk=place)[0] == 0
    labels = manifest(targetRef=None, targetSelector={"matchLabels": {"a": "b"}})
    code, _, err = execute_at(f"{EXTEND} 5h", desk=desk(labels))
    assert (code, err.endswith("Mend the selector, or ask for the label.\n")) == (1, True), err
