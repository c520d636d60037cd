"""Beginnings and ends by the clock: `notBefore`, `expiresAt`, `duration`, retention, tombstones.

Nobody touches an object while the clock runs, so that only the operator's own schedule acts.
"""

from datetime import UTC, datetime
from typing import Any

from tests.integration.things import Cluster, Mark
from tests.integration.world import World

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.142/32"
PROMPT = 10.0
"""Seconds after an end within which the removal must have been sent on a busy machine."""

TRACKED: dict[str, dict[str, Any]] = {
    "argo-annotation": {
        "annotations": {
            "argocd.argoproj.io/tracking-id": "team-a:aksaccess.dev/ApiAccessGrant:team-a/g"
        }
    },
    "argo-label": {"labels": {"app.kubernetes.io/instance": "team-a"}},
    "flux": {
        "labels": {
            "kustomize.toolkit.fluxcd.io/name": "team-a",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        }
    },
    "helm": {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": "team-a",
            "meta.helm.sh/release-namespace": "team-a",
        },
    },
}


NAMED = {
    "argo-annotation": "Argo CD application team-a",
    "argo-label": "Argo CD application team-a",
    "flux": "Flux Kustomization team-a",
    "helm": "Helm release team-a",
}


SOON = 8
"""Seconds that a clock runs for: a busy machine must have reached the state before by then."""


def parse(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def assert_removed_on_time(cluster: Cluster, *, end: str, since: Mark | None = None) -> None:
    removing = [e for e in cluster.puts(since) if OURS not in (e.after or ())]
    assert len(removing) == 1
    delay = removing[0].time - parse(end)
    assert 0 <= delay < PROMPT, f"removed {delay:.2f} s after {end}"


def test_absolute_end(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    target.wait_state("InSync")
    end = world.at(SOON)
    with world.measure("2 granted, then expired (absolute)"):
        grant = world.grant(target, "81.2.69.142", expiresAt=end)
        grant.wait_state("Active")
        raw = grant.wait_state("Expired")
        target.wait_state("InSync")
    assert cluster.ranges == [FOREIGN]
    assert len(cluster.puts()) == 2
    assert_removed_on_time(cluster, end=end)
    assert raw["status"]["summary"]["inAzure"] == "0/1"
    ready = grant.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Expired")
    assert grant.condition("Programmed")["status"] == "False"
    grant.wait_event("AccessGranted", "AccessExpired")
    assert grant.reasons() == ["AccessGranted", "AccessExpired"]
    assert [h["reason"] for h in raw["status"]["history"]][-1] == "Expired"


def test_duration_counts_from_first_activation_and_no_edit_restarts_it(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    target.wait_state("InSync")
    with world.measure("2 granted, then expired (duration)"):
        grant = world.grant(target, "81.2.69.142", duration=f"{SOON}s")
        raw = grant.wait_state("Active")
        activated, end = raw["status"]["activatedAt"], raw["status"]["expiresAt"]
        assert parse(end) - parse(activated) == SOON
        grant.patch(reason="an edit does not restart it")
        grant.wait_state("Expired")
        target.wait_state("InSync")
    assert grant.status["expiresAt"] == end
    assert_removed_on_time(cluster, end=end)


def test_not_before(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    target.wait_state("InSync")
    start = world.at(SOON)
    with world.measure("2 scheduled, then started"):
        grant = world.grant(target, "81.2.69.142", notBefore=start, expiresAt=world.at(3600))
        grant.wait_state("Scheduled")
        assert grant.condition("Ready")["status"] == "True"
        assert cluster.puts() == []
        grant.wait_state("Active")
    (put,) = cluster.puts()
    delay = put.time - parse(start)
    assert 0 <= delay < PROMPT, f"added {delay:.2f} s after {start}"
    grant.wait_event("AccessScheduled", "AccessGranted")


def test_not_before_with_duration(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    start = world.at(SOON)
    grant = world.grant(target, "81.2.69.142", notBefore=start, duration="1h")
    grant.wait_state("Scheduled")
    raw = grant.wait_state("Active")
    assert parse(raw["status"]["activatedAt"]) >= parse(start)
    assert parse(raw["status"]["expiresAt"]) >= parse(start) + 3600


def test_a_later_end_extends_and_reopens(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142", expiresAt=world.at(60))
    grant.wait_state("Active")
    mark = world.mark()
    later = world.at(SOON)
    grant.patch(expiresAt=later)
    grant.wait_state("Active")
    assert grant.status["expiresAt"] == later
    assert cluster.puts(mark) == []
    grant.wait_state("Expired")
    assert cluster.ranges == [FOREIGN]
    grant.patch(expiresAt=world.at(3600))
    grant.wait_state("Active")
    assert cluster.ranges == [FOREIGN, OURS]


def test_born_expired_is_never_let_in(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142", expiresAt="2020-01-01T00:00:00Z")
    grant.wait_state("Expired")
    cluster.wait_looks(2)
    assert cluster.puts() == []
    assert grant.status["summary"]["inAzure"] == "0/1"


def test_untracked_is_deleted_after_retention(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142", retainAfterExpiry="6s")
    grant.wait_state("Active")
    end = world.at(2)
    grant.patch(expiresAt=end)
    grant.wait_state("Expired")
    grant.wait_gone()
    assert datetime.now(UTC).timestamp() >= parse(end) + 6
    assert cluster.ranges == [FOREIGN]

    def deletions() -> list[int]:
        return [e.code for e in world.writes() if e.verb == "delete" and e.name == grant.name]

    world.eventually(lambda: bool(deletions()), what="the deletion in the audit log")
    assert deletions() == [200]


def test_tracked_is_kept_as_a_tombstone(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    life: dict[str, Any] = {"expiresAt": world.at(2), "retainAfterExpiry": "1s"}
    tracked = {
        tool: world.grant(target, "81.2.69.142", **life, **marks) for tool, marks in TRACKED.items()
    }
    plain = world.grant(target, "81.2.69.143", **life)
    for grant in tracked.values():
        grant.wait_state("Expired")
    plain.wait_gone()
    cluster.wait_looks(1)
    for tool, grant in tracked.items():
        assert "deletionTimestamp" not in grant.read()["metadata"], tool
        assert f"Tracked by {NAMED[tool]}: delete it in Git" in grant.message()


def test_a_tracked_duration_created_again_stays_expired(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    spec = {"duration": "2s", **TRACKED["flux"]}
    grant = world.grant(target, "81.2.69.142", name="again", **spec)
    raw = grant.wait_state("Expired")
    mark = world.mark()
    grant.delete()
    grant.wait_gone()
    again = world.grant(target, "81.2.69.142", name="again", **spec)
    anew = again.wait_state("Expired")
    assert anew["metadata"]["uid"] != raw["metadata"]["uid"]
    assert anew["status"]["expiresAt"] == raw["status"]["expiresAt"]
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []


def test_an_untracked_duration_created_again_is_a_new_grant(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142", name="again", duration="2s")
    grant.wait_state("Expired")
    grant.delete()
    grant.wait_gone()
    again = world.grant(target, "81.2.69.142", name="again", duration="1h")
    again.wait_state("Active")
    assert cluster.ranges == [FOREIGN, OURS]


def test_what_falls_into_downtime(restart_world: World) -> None:
    """Ends, a beginning and a retention that pass while no operator runs."""
    world = restart_world
    clusters = [world.cluster([FOREIGN]) for _ in range(4)]
    targets = [world.target(cluster) for cluster in clusters]
    until = world.at(20)
    absolute = world.grant(targets[0], "81.2.69.142", expiresAt=until)
    counted = world.grant(targets[1], "81.2.69.142", duration="20s")
    starting = world.grant(targets[2], "81.2.69.142", notBefore=until, expiresAt=world.at(3600))
    retained, tombstone = (
        world.grant(targets[3], ours, expiresAt=world.at(2), retainAfterExpiry="18s", **marks)
        for ours, marks in (("81.2.69.142", {}), ("81.2.69.143", TRACKED["argo-label"]))
    )
    for grant in (absolute, counted):
        grant.wait_state("Active")
    starting.wait_state("Scheduled")
    for grant in (retained, tombstone):
        grant.wait_state("Expired")
    ends = counted.status["expiresAt"]
    world.station.stop()
    past = max(parse(until), parse(ends)) + 1
    world.eventually(
        lambda: datetime.now(UTC).timestamp() > past, what="every instant to pass", seconds=30
    )
    assert clusters[0].ranges == clusters[1].ranges == [FOREIGN, OURS], "nobody removes it"
    assert retained.exists()
    with world.measure("2 two ends, a start and a retention during downtime"):
        world.station.start()
        absolute.wait_state("Expired")
        counted.wait_state("Expired")
        starting.wait_state("Active")
        retained.wait_gone()
    assert clusters[0].ranges == clusters[1].ranges == clusters[3].ranges == [FOREIGN]
    assert clusters[2].ranges == [FOREIGN, OURS]
    assert counted.status["expiresAt"] == ends
    assert tombstone.state == "Expired"
