"""Modes, drift and other writers: what is kept, what is put back, and what is never touched."""

import pytest

from tests.integration.world import World, sent_ranges

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.142/32"
ODD = ["AzureDevOps", "20.0.0.0/8", "51.140.99.3/32", "51.140.8.0/24"]
"""A service tag, a wide range, an address and a network."""


def test_merge_keeps_foreign_entries_as_written(world: World) -> None:
    cluster = world.cluster(ODD, service_tags=True, order="as-sent")
    target = world.target(cluster)
    with world.measure("4 Merge: granted and revoked beside foreign entries"):
        grant = world.grant(target, "81.2.69.142")
        grant.wait_state("Active")
        assert cluster.ranges == [*ODD, OURS]
        grant.delete()
        grant.wait_gone()
        target.wait_state("BroadEntry")
    assert cluster.ranges == ODD
    assert [sent_ranges(put) for put in cluster.puts()] == [[*ODD, OURS], ODD]
    assert target.status["summary"]["foreign"] == 4
    facts = target.status["cluster"]
    assert facts["ineffectiveEntries"] == ["AzureDevOps", "20.0.0.0/8"]


def test_merge_sends_odd_spellings_back_as_they_were_read(world: World) -> None:
    odd = ["azuredevops", "51.140.99.3", FOREIGN]
    cluster = world.cluster([FOREIGN], service_tags=True, order="as-sent")
    path = "properties.apiServerAccessProfile.authorizedIPRanges"
    world.arm.set_property(cluster.id, path=path, value=odd)
    target = world.target(cluster)
    world.grant(target, "81.2.69.142").wait_state("Active")
    (put,) = cluster.puts()
    assert sent_ranges(put) == [*odd, OURS]


def test_an_entry_that_others_add_meanwhile_stays_theirs(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("Active")
    cluster.edit(add=["51.140.9.0/24"])
    cluster.wait_looks(1)
    grant.delete()
    grant.wait_gone()
    assert cluster.ranges == [FOREIGN, "51.140.9.0/24"]


def test_observe_shows_and_never_writes(world: World) -> None:
    cluster = world.cluster([FOREIGN, "51.140.9.0/24"])
    target = world.target(cluster, mode="Observe", baseline={"ipRanges": ["20.70.1.7"]})
    with world.measure("4 Observe: a grant comes and goes"):
        grant = world.grant(target, "81.2.69.142", expiresAt="2099-01-01T00:00:00Z")
        grant.wait_state("Observed")
        target.until(lambda o: o["status"]["summary"]["difference"] == "+2", what="to show +2")
        target.nudge()
        for kind, status in (("Ready", "True"), ("Programmed", "False")):
            assert grant.condition(kind)["status"] == status
        assert grant.status["summary"]["inAzure"] == "0/1"
        assert grant.finalizers == []
        ready = target.condition("Ready")
        assert (ready["status"], ready["reason"]) == ("True", "Observing")
        assert "Merge would change the list by +2" in ready["message"]
        assert f"Exclusive would also remove {FOREIGN}, 51.140.9.0/24" in ready["message"]
        plan = target.status["plan"]
        assert sorted(plan["add"]) == ["20.70.1.7/32", OURS]
        assert sorted(plan["remove"]) == [FOREIGN, "51.140.9.0/24"]
        grant.patch(expiresAt="2020-01-01T00:00:00Z")
        grant.wait_state("Expired")
        grant.delete()
        grant.wait_gone()
    cluster.edit(ranges=["51.140.10.0/24"])
    target.nudge()
    world.arm.clear_ranges(cluster.id)
    target.until(lambda o: o["status"]["summary"]["entries"] == "open", what="to be open")
    assert target.state == "Observing"
    assert cluster.ranges is None
    assert cluster.puts() == []
    assert cluster.ledger() is None, "nothing is written for a cluster that is only observed"


def test_exclusive_makes_the_list_exact(world: World) -> None:
    cluster = world.cluster(ODD, service_tags=True, order="as-sent")
    target = world.target(cluster, mode="Exclusive", baseline={"ipRanges": ["20.70.1.7"]})
    with world.measure("4 Exclusive: grant applied, foreign entries removed"):
        grant = world.grant(target, "81.2.69.142")
        grant.wait_state("Active")
        cluster.wait_ranges("20.70.1.7/32", OURS)
        target.wait_state("InSync")
    cluster.edit(add=["51.140.99.3/32"])
    cluster.wait_ranges("20.70.1.7/32", OURS)


def test_mode_changes(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, mode="Observe")
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("Observed")
    target.patch(mode="Merge")
    grant.wait_state("Active")
    assert cluster.ranges == [FOREIGN, OURS]
    target.patch(mode="Exclusive")
    cluster.wait_ranges(OURS)
    target.wait_state("InSync")
    cluster.edit(add=[FOREIGN])
    cluster.wait_ranges(OURS)
    target.patch(mode="Merge")
    target.wait_state("InSync")
    cluster.edit(add=[FOREIGN])
    target.nudge()
    assert sorted(cluster.ranges or ()) == [FOREIGN, OURS]


def test_a_removal_that_falls_due_in_observe_is_overdue_at_once(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("Active")
    mark = world.mark()
    target.patch(mode="Observe")
    target.wait_state("Observing")
    grant.patch(revoked=True)
    grant.wait_state("RevocationOverdue")
    ready = target.wait_condition("Ready", status="False", reason="RevocationOverdue")
    assert OURS in ready["message"]
    assert "mode Observe" in ready["message"]
    assert target.condition("Stalled")["status"] == "True"
    assert cluster.puts(mark) == []
    target.patch(mode="Merge")
    grant.wait_state("Revoked")
    assert cluster.ranges == [FOREIGN]


def test_suspend_leaves_the_cluster_as_it_is_both_ways(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    inside = world.grant(target, "81.2.69.142")
    inside.wait_state("Active")
    target.patch(suspend=True)
    target.wait_state("Suspended")
    assert target.condition("Ready")["status"] == "True"
    mark = world.mark()
    outside = world.grant(target, "81.2.69.143")
    outside.wait_state("Suspended")
    inside.patch(revoked=True)
    inside.wait_state("RevocationOverdue", "RevocationPending")
    target.wait_condition("Stalled", status="True")
    world.arm.clear_ranges(cluster.id)
    target.nudge()
    cluster.wait_looks(1)
    assert cluster.puts(mark) == []
    cluster.edit(ranges=[FOREIGN, OURS])
    target.patch(suspend=None)
    inside.wait_state("Revoked")
    outside.wait_state("Active")
    assert cluster.ranges == [FOREIGN, "81.2.69.143/32"]


def test_withdrawn_entries_that_a_stale_writer_puts_back_go_again(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("Active")
    grant.delete()
    grant.wait_gone()
    target.wait_state("InSync")
    mark = world.mark()
    with world.measure("4 a stale writer puts a withdrawn entry back"):
        cluster.edit(ranges=[FOREIGN, OURS, "51.140.9.0/24"], who="stale Terraform")
        cluster.wait_ranges(FOREIGN, "51.140.9.0/24")
        event = target.wait_event("WithdrawnEntryReturned")
        target.wait_state("InSync")
    assert len(cluster.puts(mark)) == 1
    assert OURS in event["note"]
    assert "baseline" in event["note"]
    again = world.grant(target, "81.2.69.142")
    again.wait_state("Active")
    assert cluster.ranges == [FOREIGN, "51.140.9.0/24", OURS]


def test_our_entries_that_others_remove_go_back(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, baseline={"ipRanges": ["20.70.1.7"]})
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("Active")
    mark = world.mark()
    with world.measure("4 drift: our entries removed by others"):
        cluster.edit(ranges=[FOREIGN])
        cluster.wait_ranges(FOREIGN, "20.70.1.7/32", OURS)
        target.wait_event("DriftCorrected")
        target.wait_state("InSync")
    assert len(cluster.puts(mark)) == 1
    grant.wait_state("Active")


def test_a_cleared_list_is_restored(world: World) -> None:
    cluster = world.cluster(ODD, service_tags=True, order="as-sent")
    target = world.target(cluster)
    kept = world.grant(target, "81.2.69.142")
    kept.wait_state("Active")
    target.wait_state("BroadEntry")
    mark = world.mark()
    with world.measure("4 a cleared list is restored"):
        world.arm.clear_ranges(cluster.id)
        cluster.wait_ranges(*ODD, OURS)
        event = target.wait_event("ListRestored")
        target.wait_state("BroadEntry")
    assert cluster.ranges == [*ODD, OURS], "foreign entries are restored as they were written"
    assert len(cluster.puts(mark)) == 1
    assert event["type"] == "Warning"


def test_a_cleared_list_is_restored_without_what_has_ended_since(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    ends = world.grant(target, "81.2.69.142")
    stays = world.grant(target, "81.2.69.143")
    ends.wait_state("Active")
    stays.wait_state("Active")
    target.wait_state("InSync")
    world.station.stop()
    world.arm.clear_ranges(cluster.id)
    ends.patch(revoked=True)
    mark = world.mark()
    world.station.start()
    cluster.wait_ranges(FOREIGN, "81.2.69.143/32")
    ends.wait_state("Revoked")
    assert len(cluster.puts(mark)) == 1


def test_an_open_cluster_is_not_touched_without_opt_in(world: World) -> None:
    cluster = world.cluster(None)
    target = world.target(cluster, baseline={"ipRanges": ["20.70.1.7"]})
    target.wait_state("ClusterUnrestricted")
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("ClusterUnrestricted")
    world.eventually(
        lambda: target.status["summary"]["difference"] == "+2",
        what="the target to report the grant too",
        about=target,
    )
    assert target.status["summary"]["entries"] == "open"
    target.nudge()
    assert cluster.puts() == []
    target.patch(restrictUnrestricted=True)
    with world.measure("4 an open cluster is closed after opt-in"):
        grant.wait_state("Active")
        target.wait_state("InSync")
    cluster.wait_ranges("20.70.1.7/32", OURS)
    assert len(cluster.puts()) == 1


@pytest.mark.parametrize("mode", ["Merge", "Exclusive"])
def test_opt_in_without_a_baseline_closes_nothing(world: World, mode: str) -> None:
    cluster = world.cluster(None)
    target = world.target(cluster, mode=mode, restrictUnrestricted=True)
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("ClusterUnrestricted")
    target.wait_state("ClusterUnrestricted")
    assert "baseline" in target.message()
    target.nudge()
    assert cluster.puts() == []
    assert cluster.ranges is None


def test_a_private_cluster_is_not_written(world: World) -> None:
    cluster = world.cluster(None, shape={"private": True})
    target = world.target(cluster, baseline={"ipRanges": ["20.70.1.7"]}, restrictUnrestricted=True)
    grant = world.grant(target, "81.2.69.142")
    grant.wait_state("UnsupportedCluster")
    target.wait_state("UnsupportedCluster")
    assert "az aks command invoke" in grant.message()
    assert cluster.puts() == []


def test_the_second_target_of_a_cluster_is_refused(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    first = world.target(cluster)
    grant = world.grant(first, "81.2.69.142")
    grant.wait_state("Active")
    shouted = cluster.id.replace("resourceGroups", "RESOURCEGROUPS").replace("aks-", "AKS-")
    second = world.target(cluster, mode="Exclusive", resourceId=shouted)
    second.wait_state("DuplicateTarget")
    assert first.name in second.message()
    blocked = world.grant(second, "81.2.69.143")
    blocked.wait_state("TargetBlocked")
    assert cluster.ranges == [FOREIGN, OURS]
    first.patch(deletionPolicy="Detach")
    first.delete()
    first.wait_gone()
    second.wait_state("InSync")
    blocked.wait_state("Active")
    cluster.wait_ranges("81.2.69.143/32")
