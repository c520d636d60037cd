"""What people read where a ledger is in doubt, held, or without its target, word for word."""

from collections.abc import Mapping, Sequence

import pytest

from aks_access.api.reasons import TargetReason as R
from aks_access.kube.events import NOTE_LIMIT
from aks_access.plan.target_sentences import orphan_sentence
from aks_access.plan.wording import azure_text
from tests.unit.plan.build import AZ_FLAGS, ID
from tests.unit.plan.said import say


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.LEDGER_LOST,
            {},
            "The ledger cannot be used: entries of known grants count as ours, the others are "
            "kept, nothing is added. Restore the ledger, or accept this: `kubectl annotate "
            "--overwrite aat prod aksaccess.dev/acknowledge=<code>`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "the ledger is gone", "code": "a1b2"},
            "The ledger is gone: entries of known grants count as ours, the others are kept, "
            "nothing is added. Restore the ledger, or accept this: `kubectl annotate --overwrite "
            "aat prod aksaccess.dev/acknowledge=a1b2`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "a newer operator wrote it", "code": ""},
            "A newer operator wrote it. Until then what is known to end is taken away, and "
            "nothing is added.",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {},
            "Many removals at once (unknown) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite aat prod "
            "aksaccess.dev/acknowledge=<code>`.",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {"count": "8", "causes": "Vanished", "code": "a1b2"},
            "8 removals at once (Vanished) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite aat prod "
            "aksaccess.dev/acknowledge=a1b2`.",
        ),
    ],
)
def test_a_finding_names_the_way_out(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.REVOCATION_OVERDUE,
            {"entry": "20.0.0.1/32"},
            "20.0.0.1/32 still open, due earlier. Create a target for the cluster; by hand: `az "
            f"aks update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of "
            "the list, never an empty one (it opens the cluster).",
        ),
        (
            R.MASS_REMOVAL_HELD,
            {"count": "8", "causes": "Orphaned", "code": "a1b2"},
            "8 removals at once (Orphaned) wait for a person: if they are a mistake, bring back "
            "what vanished; if they are meant: `kubectl annotate --overwrite configmap "
            "aks-access-ledger-b237f62f5bb23670 aksaccess.dev/acknowledge=a1b2`.",
        ),
        (
            R.LEDGER_LOST,
            {"problem": "the ledger is gone", "code": "a1b2"},
            "The ledger is gone: entries of known grants count as ours, the others are kept, "
            "nothing is added. Restore the ledger, or accept this: `kubectl annotate --overwrite "
            "configmap aks-access-ledger-b237f62f5bb23670 aksaccess.dev/acknowledge=a1b2`.",
        ),
        (R.CLUSTER_LOCKED, {}, f"{ID}: ClusterLocked."),
    ],
)
def test_a_ledger_without_its_target_is_named_by_its_cluster(
    reason: R, details: Mapping[str, str], said: str
) -> None:
    assert say(reason, details, None) == said


@pytest.mark.parametrize(
    ("entries", "why", "said"),
    [
        (
            ["20.0.0.1/32", "20.0.0.2/32"],
            "403 from ARM",
            "20.0.0.1/32, 20.0.0.2/32 stand open on c1, whose target prod is gone: 403 from "
            "ARM. Remove the cause, or create a target for the cluster again; by hand: `az aks "
            f"update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of the "
            "list, never an empty one.",
        ),
        (
            [],
            "",
            "What it holds stands open on c1, whose target prod is gone: the removal was not "
            "confirmed. Remove the cause, or create a target for the cluster again; by hand: `az "
            f"aks update {AZ_FLAGS} --api-server-authorized-ip-ranges` with every other entry of "
            "the list, never an empty one.",
        ),
    ],
)
def test_access_without_a_target_is_told_with_what_keeps_it(
    entries: Sequence[str], why: str, said: str
) -> None:
    assert orphan_sentence(entries=entries, target="prod", cluster=ID, why=why) == said


def test_access_without_a_target_is_told_in_an_events_room_with_the_longest_names() -> None:
    group, name = "g" * 90, "c" * 63
    cluster = ID.replace("/rg/", f"/{group}/").removesuffix("c1") + name
    said = orphan_sentence(
        entries=[f"120.200.100.{number}/32" for number in range(100, 300)],
        target="t" * 63,
        cluster=cluster,
        why=azure_text("x" * 9000),
    )
    assert len(said.encode()) <= NOTE_LIMIT
    assert f"-g {group} -n {name} --api-server" in said
    assert said.endswith("never an empty one.")
