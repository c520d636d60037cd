"""A grant over one that is there already, which somebody else changes meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from aks_access.cli.hub.cluster import DryRun, Resource
from tests.unit.cli.desk import TARGET, Desk, execute_at, manifest
from tests.unit.cli.guarded import GRANT, Guarded, desk, managed


@dataclass(slots=True)
class Busy(Guarded):
    """A hub where somebody changes the grant before the first few applies arrive."""

    change: Mapping[str, Any] | None = None
    times: int = 1

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        key = (Resource.GRANTS, "team-a", "dev-laptop")
        if self.times:
            self.times -= 1
            if self.change is None:
                del self._objects[key]
            else:
                there = self._objects[key]
                self.add({**there, **{at: {**there[at], **now} for at, now in self.change.items()}})
        return super(Busy, self).apply(manifest, dry_run=dry_run, force=force)


def busy(change: Mapping[str, Any] | None, *, times: int = 1) -> Desk:
    hub = Busy(context_namespace="team-a", change=change, times=times)
    hub.add(TARGET, {**managed("aks-access"), "status": {}})
    return Desk(hub=hub)


REVOKED = {"spec": {"revoked": True}}
STARTED = {"periodStart": "2026-11-22T09:59:00Z"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (REVOKED, "Grant team-a/dev-laptop was revoked. --again lets it in again; "),
        (
            {"spec": {"ipRanges": ["20.50.1.7"]}},
            "Somebody changed grant team-a/dev-laptop meanwhile, so nothing was written. Look at "
            "it with kubectl get aag -n team-a dev-laptop -o yaml, then run this again.\n",
        ),
        (
            {"metadata": {"uid": "another"}},
            "Somebody replaced grant team-a/dev-laptop meanwhile, so nothing was written. ",
        ),
        (
            None,
            "Somebody deleted grant team-a/dev-laptop meanwhile, so nothing was written. Run this "
            "again if it should still let in.\n",
        ),
    ],
)
@pytest.mark.parametrize("again", ["", " --dry-run=server"])
def test_what_somebody_did_meanwhile_is_not_undone(
    change: Mapping[str, Any] | None, said: str, again: str
) -> None:
    place = busy(change)
    code, out, err = execute_at(f"{GRANT}{again}", desk=place)
    assert (code, out, place.hub.written) == (1, "", [])
    assert said in err
    if change is REVOKED:
        assert execute_at(f"{GRANT}{again} --again", desk=busy(change))[0] == 1


@pytest.mark.parametrize(("times", "code"), [(4, 0), (5, 1)])
def test_a_status_that_the_operator_writes_meanwhile_is_no_change(times: int, code: int) -> None:
    place = busy({"status": STARTED}, times=times)
    ended, _, err = execute_at(GRANT, desk=place)
    assert (ended, "changed again and again meanwhile" in err) == (code, code == 1)
    there = place.hub.get(Resource.GRANTS, namespace="team-a", name="dev-laptop")
    assert there is not None
    assert there["status"] == STARTED


def test_a_grant_is_written_onto_the_one_that_was_looked_at_and_a_file_names_none() -> None:
    place = desk(manifest())
    there = place.hub.get(Resource.GRANTS, namespace="team-a", name="dev-laptop")
    assert there is not None
    for offline in ("-o yaml", "-o json", "--dry-run=client"):
        out = execute_at(f"{GRANT} {offline}", desk=place)[1]
        assert ("resourceVersion" in out, "uid" in out) == (False, False)
    assert execute_at(GRANT, desk=place)[0] == 0
    [written] = place.hub.written
    assert {key: there["metadata"][key] for key in ("uid", "resourceVersion")}.items() <= (
        written["metadata"].items()
    )


@dataclass(slots=True)
class Taken(Guarded):
    """A hub where somebody makes the grant before the apply arrives."""

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        self.add(managed("aks-access"))
        return super(Taken, self).apply(manifest, dry_run=dry_run, force=force)


@pytest.mark.parametrize("again", ["", " --dry-run=server"])
def test_a_new_grant_takes_no_place_that_somebody_took_meanwhile(again: str) -> None:
    place = Desk(hub=Taken(context_namespace="team-a"))
    place.hub.add(TARGET)
    code, out, err = execute_at(f"{GRANT}{again}", desk=place)
    assert (code, out, place.hub.written) == (1, "", [])
    assert "Somebody made grant team-a/dev-laptop meanwhile, so nothing was written. Use" in err
