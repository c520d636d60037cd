"""The main job end to end: grants become entries of the cluster's list, with one write."""

import re

from aks_access.engine.ports import Kind
from tests.integration.things import Object
from tests.integration.world import World


def expected(*ranges: str) -> list[str]:
    return ["51.140.8.0/24", *ranges]


def test_a_grant_is_programmed_by_one_put(world: World) -> None:
    cluster = world.cluster(["51.140.8.0/24"])
    target = world.target(cluster)
    target.wait_state("InSync")
    assert cluster.puts() == [], "a target without grants has nothing to write"
    end = world.at(3600)
    with world.measure("1 one grant applied"):
        grant = world.grant(target, "81.2.69.142", expiresAt=end, reason="INC-77")
        world.kubectl(
            "wait",
            f"aag/{grant.name}",
            f"--namespace={grant.namespace}",
            "--for=condition=Programmed",
            "--timeout=20s",
        )
        target.wait_state("InSync")
    (put,) = cluster.puts()
    assert put.before == ["51.140.8.0/24"]
    assert cluster.ranges == expected("81.2.69.142/32")
    _assert_active(grant, target=target, end=end)
    assert grant.finalizers == ["aksaccess.dev/revoke-access"]
    assert target.finalizers == ["aksaccess.dev/release-cluster"]
    grant.wait_event("AccessGranted")
    target.wait_event("ListWritten")
    assert grant.reasons() == ["AccessGranted"]
    assert target.reasons() == ["InSync", "ListWritten"]
    _assert_entries(target, grant)


def _assert_active(grant: Object, *, target: Object, end: str) -> None:
    status = grant.status
    kinds = {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}
    assert kinds == {
        "Ready": ("True", "Active"),
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
    }
    assert status["conditions"][0]["type"] == "Ready", "Ready stands first"
    assert grant.message() == f"Let in until {_instant(end)}."
    assert status["summary"] == {
        "state": "Active",
        "target": target.name,
        "inAzure": "1/1",
        "expires": end[:16] + "Z",
        "ranges": "81.2.69.142/32",
    }
    assert status["expiresAt"] == end
    assert [each["name"] for each in status["targets"]] == [target.name]
    assert [each["reason"] for each in status["history"]][-1] == "Active"


def _instant(text: str) -> str:
    """As messages write it: seconds only where there are any."""
    return re.sub(r":00Z$", "Z", text)


def _assert_entries(target: Object, grant: Object) -> None:
    entries = {each["range"]: each for each in target.status["entries"]}
    assert entries["51.140.8.0/24"]["origin"] == "Foreign"
    ours = entries["81.2.69.142/32"]
    assert ours["origin"] == "Grant"
    assert ours["grants"] == [f"{grant.namespace}/{grant.name}"]
    assert ours["until"] == grant.status["expiresAt"]


def test_columns(world: World) -> None:
    cluster = world.cluster(["51.140.8.0/24"])
    target = world.target(cluster)
    end = world.at(3600)
    grant = world.grant(target, "81.2.69.142", expiresAt=end)
    grant.wait_state("Active")
    target.wait_state("InSync")
    header, row = _table(world, "aag", "--namespace", grant.namespace)
    assert header == ["NAME", "TARGET", "STATE", "IN-AZURE", "EXPIRES", "AGE"]
    assert row[:-1] == [grant.name, target.name, "Active", "1/1", end[:16] + "Z"]
    header, row = _table(world, "aat", target.name)
    assert header == [
        "NAME",
        "MODE",
        "STATE",
        "ENTRIES",
        "GRANTS",
        "FOREIGN",
        "DIFF",
        "NEXT",
    ]
    assert row == [target.name, "Merge", "InSync", "2/200", "1", "1", "0", end[:16] + "Z"]


def _table(world: World, *arguments: str) -> list[list[str]]:
    lines = world.kubectl("get", *arguments).splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_twenty_grants_in_one_apply_are_one_put(restart_world: World) -> None:
    """However slowly kubectl goes through them: it pauses for no longer than the window."""
    world = restart_world
    world.station.ensure(settle_window="3s", settle_limit="30s")
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    documents = [
        world.document(
            world.object(Kind.GRANT, name=f"g{number}", namespace=world.home()),
            {
                "targetRef": {"name": target.name},
                "ipRanges": [f"81.2.69.{number}"],
                "expiresAt": "2099-01-01T00:00:00Z",
            },
        )
        for number in range(20)
    ]
    with world.measure("1 twenty grants in one apply"):
        world.kubectl("apply", "--server-side", "-f", "-", documents=documents)
        world.kubectl(
            "wait",
            "aag",
            "--all",
            f"--namespace={world.home()}",
            "--for=condition=Programmed",
            "--timeout=60s",
        )
        target.wait_state("InSync")
    assert len(cluster.puts()) == 1
    assert cluster.ranges is not None
    assert len(cluster.ranges) == 21


def test_a_second_identical_apply_writes_nothing(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.object(Kind.GRANT, name=world.unique("grant"), namespace=world.home())
    manifest = world.document(
        grant,
        {
            "targetRef": {"name": target.name},
            "ipRanges": ["81.2.69.142", "81.2.69.142/32"],
            "expiresAt": "2099-01-01T00:00:00Z",
        },
    )
    world.kubectl("apply", "-f", "-", documents=[manifest])
    grant.wait_state("Active")
    target.wait_state("InSync")
    version = grant.read()["metadata"]["resourceVersion"]
    mark = world.mark()
    with world.measure("1 a second identical apply"):
        world.kubectl("apply", "-f", "-", documents=[manifest])
        cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    assert world.writes(mark) == []
    assert grant.read()["metadata"]["resourceVersion"] == version


def test_many_targets_by_selector(world: World) -> None:
    label = {"environment": world.unique("env")}
    clusters = [world.cluster(), world.cluster()]
    for cluster in clusters:
        world.target(cluster, labels=label)
    other = world.cluster()
    world.target(other).wait_state("InSync")
    grant = world.grant(
        None, "81.2.69.142", targetSelector={"matchLabels": label}, expiresAt=world.at(3600)
    )
    raw = grant.wait_state("Active")
    assert raw["status"]["summary"]["target"] == "2 targets"
    assert raw["status"]["summary"]["inAzure"] == "2/2"
    for cluster in clusters:
        assert cluster.ranges == expected("81.2.69.142/32")
    assert other.puts() == []


def test_range_sets_baseline_and_grant_come_together(world: World) -> None:
    office = world.range_set("20.50.1.0/24", "20.50.2.0/24")
    vpn = world.range_set("20.60.1.0/28")
    cluster = world.cluster()
    target = world.target(
        cluster,
        baseline={"ipRanges": ["20.70.1.7"], "rangeSetRefs": [{"name": office.name}]},
    )
    grant = world.grant(
        target, "81.2.69.142", rangeSetRefs=[{"name": vpn.name}], expiresAt=world.at(3600)
    )
    grant.wait_state("Active")
    cluster.wait_ranges(
        "51.140.8.0/24",
        "20.50.1.0/24",
        "20.50.2.0/24",
        "20.60.1.0/28",
        "20.70.1.7/32",
        "81.2.69.142/32",
    )
    assert grant.status["summary"]["ranges"] == "20.60.1.0/28,81.2.69.142/32"


def test_a_grant_names_a_target_that_comes_later(world: World) -> None:
    name = world.unique("target")
    grant = world.create(
        Kind.GRANT,
        {
            "targetRef": {"name": name},
            "ipRanges": ["81.2.69.142"],
            "expiresAt": world.at(3600),
        },
        name="early",
        namespace=world.home(),
    )
    grant.wait_condition("ResolvedRefs", status="False", reason="TargetNotFound")
    assert f'No target "{name}"' in grant.message()
    cluster = world.cluster()
    spec = {
        "resourceId": cluster.id,
        "mode": "Merge",
        "policy": {"allowedNamespaces": {"from": "All"}},
    }
    world.create(Kind.TARGET, spec, name=name)
    grant.wait_state("Active")
    assert len(cluster.puts()) == 1


def test_every_state_at_rest_is_quiet(world: World) -> None:
    """No Kubernetes write and no PUT while nothing changes, whatever state things are in (I11)."""
    managed, observed, opened, suspended = (
        world.target(cluster, mode=mode, policy={"minPrefixLength": 28})
        for cluster, mode in (
            (world.cluster(), "Merge"),
            (world.cluster(), "Observe"),
            (world.cluster(None), "Merge"),
            (world.cluster(), "Merge"),
        )
    )
    suspended.patch(suspend=True)
    missing = world.object(Kind.TARGET, name="no-such")
    far, past = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
    grants = {
        "Active": world.grant(managed, "81.2.69.142", duration="1h"),
        "Scheduled": world.grant(managed, "81.2.69.143", notBefore=far),
        "Expired": world.grant(managed, "81.2.69.144", expiresAt=past),
        "Revoked": world.grant(managed, "81.2.69.145", revoked=True),
        "PolicyDenied": world.grant(managed, "81.2.69.0/24", expiresAt=far),
        "TargetNotFound": world.grant(missing, "81.2.69.146"),
        "RangeSetNotResolved": world.grant(managed, rangeSetRefs=[{"name": "no-such"}]),
        "Observed": world.grant(observed, "81.2.69.147", expiresAt=far),
        "ClusterUnrestricted": world.grant(opened, "81.2.69.148"),
        "Suspended": world.grant(suspended, "81.2.69.149"),
    }
    for state, grant in grants.items():
        grant.wait_state(state)
    managed.wait_state("InSync")
    mark = world.mark()
    for cluster in world.clusters:
        cluster.wait_looks(1, since=mark)
    mark = world.mark()
    for cluster in world.clusters:
        cluster.wait_looks(2, since=mark)
    assert world.writes(mark) == []
    assert [cluster.puts(mark) for cluster in world.clusters] == [[], [], [], []]
