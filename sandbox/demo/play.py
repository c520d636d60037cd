"""The story the demo tells, step by step, with the files of examples/ as users would apply them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sandbox.arm.journal import JournalEntry
from sandbox.demo.stage import Stage
from sandbox.landscape import BEFORE

PROD, LAB, DEV = "prod-weu", "lab-neu", "dev-weu"

OFFICE: Final = frozenset({"51.140.0.0/24", "20.50.40.16/28"})
DEPLOYMENT: Final = "20.50.1.4/32"
LAPTOP: Final = "81.2.69.142/32"
VENDOR: Final = "51.140.77.9/32"
TRAINING_ROOM: Final = "81.2.69.160/28"
QUICK_LOOK: Final = "81.2.69.199/32"
STRANGER: Final = "20.82.33.0/28"
RUNNERS: Final = frozenset(f"20.61.7.{1 + 3 * number}/32" for number in range(1, 21))

PROD_AT_REST: Final = frozenset(BEFORE[PROD] or ()) | OFFICE | {DEPLOYMENT}
TOO_WIDE: Final = (
    "20.50.0.0/20 is wider than /28, the limit of prod-weu. Narrow it, or ask platform@contoso.com."
)
PRIVATE: Final = "10.1.2.0/24 overlaps 10.0.0.0/8 (private, RFC 1918)"
_PROMPT_SECONDS = 3.0
"""Longest time from the end of access to the write that takes it away, on a busy machine."""


def take_on(stage: Stage) -> None:
    """Three clusters, one in each mode"""
    stage.show_lists()
    stage.kubectl("apply -f examples/plain/")
    stage.kubectl("wait --for=condition=Ready aat --all --timeout=60s")
    stage.kubectl("get aat")
    stage.show_lists()
    stage.holds(
        "prod-weu (Merge): the two entries of others stay, the baseline is let in",
        seen=stage.enforced(PROD),
        expected=PROD_AT_REST,
    )
    stage.holds(
        "lab-neu (Exclusive): exactly the baseline, what was left behind is gone",
        seen=stage.enforced(LAB),
        expected=OFFICE,
    )
    stage.holds(
        "dev-weu (Observe): it is still open, and nothing was written",
        seen=(stage.enforced(DEV), len(stage.writes(DEV))),
        expected=(None, 0),
    )


def one_grant(stage: Stage) -> None:
    """A developer is let in for some hours"""
    before = stage.mark()
    stage.kubectl("apply -f examples/plain/grants/laptop.yaml")
    stage.kubectl("wait --for=condition=Programmed aag/laptop -n team-a --timeout=60s")
    stage.show(PROD)
    stage.holds(
        f"{LAPTOP} is let in, every other entry is as it was",
        seen=stage.enforced(PROD),
        expected=PROD_AT_REST | {LAPTOP},
    )
    writes = stage.writes(PROD, since=before)
    stage.holds("one write, guarded by If-Match", seen=_guarded(writes), expected=[True])


def twenty_grants(stage: Stage) -> None:
    """Twenty grants in one apply are one write"""
    before = stage.mark()
    stage.kubectl("apply -f examples/plain/grants/ci-runners.yaml", lines=3)
    stage.kubectl("wait --for=condition=Programmed aag --all -n ci --timeout=60s", lines=3)
    stage.show(LAB, namespace="ci", lines=4)
    stage.holds(
        "all twenty addresses are let in", seen=stage.enforced(LAB), expected=OFFICE | RUNNERS
    )
    stage.holds("with one write to Azure", seen=len(stage.writes(LAB, since=before)), expected=1)


def refusals(stage: Stage) -> None:
    """Bad grants are refused, with a sentence that says why and what to do"""
    before = stage.mark()
    said = stage.kubectl("apply -f examples/refused/by-schema.yaml", code=1)
    stage.holds("the API server refuses a private address", seen=PRIVATE in said, expected=True)
    stage.kubectl("apply -f examples/refused/by-policy.yaml")
    stage.kubectl(
        "wait --for=jsonpath={.status.summary.state}=PolicyDenied aag/too-wide -n team-a "
        "--timeout=60s"
    )
    said = stage.kubectl("get aag too-wide -n team-a -o jsonpath='{.status.conditions[0].message}'")
    stage.show(PROD)
    stage.holds("the target's policy refuses a wide range", seen=said, expected=TOO_WIDE)
    stage.holds(
        "nothing was written to Azure", seen=len(stage.writes(PROD, since=before)), expected=0
    )


def other_forms(stage: Stage) -> None:
    """Access that starts later, has no end, or goes by a label"""
    for name in ("maintenance", "vendor", "workshop"):
        stage.kubectl(f"apply -f examples/plain/grants/{name}.yaml")
    stage.kubectl("wait --for=condition=Programmed aag/vendor aag/workshop -n team-a --timeout=60s")
    stage.show()
    stage.holds(
        "the vendor and the training room are let in to lab-neu",
        seen=stage.enforced(LAB),
        expected=OFFICE | RUNNERS | {VENDOR, TRAINING_ROOM},
    )
    stage.becomes(
        "the workshop is Active, in Azure on one of its two clusters",
        look=lambda: (
            stage.field("aag/workshop", ".status.summary.state", namespace="team-a"),
            stage.field("aag/workshop", ".status.summary.inAzure", namespace="team-a"),
        ),
        expected=("Active", "1/2"),
    )
    stage.becomes(
        "the maintenance window is Scheduled, and not in Azure",
        look=lambda: (
            stage.field("aag/maintenance", ".status.summary.state", namespace="team-a"),
            stage.enforced(PROD),
        ),
        expected=("Scheduled", PROD_AT_REST | {LAPTOP}),
    )
    stage.holds(
        "dev-weu (Observe) shows what Merge would add, and nothing was written",
        seen=(
            stage.field("aat/dev-weu", ".status.summary.difference"),
            len(stage.writes(DEV)),
        ),
        expected=("+3", 0),
    )


def expiry(stage: Stage) -> None:
    """Ten seconds of access end by themselves, and the object is collected"""
    stage.kubectl("apply -f examples/plain/grants/quick-look.yaml")
    stage.kubectl("wait --for=condition=Programmed aag/quick-look -n team-a --timeout=60s")
    stage.show_lists(PROD)
    stage.holds(
        f"{QUICK_LOOK} is let in",
        seen=stage.enforced(PROD),
        expected=PROD_AT_REST | {LAPTOP, QUICK_LOOK},
    )
    before = stage.mark()
    ends = stage.field("aag/quick-look", ".status.expiresAt", namespace="team-a")
    stage.kubectl(
        "wait --for=jsonpath={.status.summary.state}=Expired aag/quick-look -n team-a --timeout=60s"
    )
    stage.show(PROD)
    stage.holds(
        f"{QUICK_LOOK} is out, and nothing else",
        seen=stage.enforced(PROD),
        expected=PROD_AT_REST | {LAPTOP},
    )
    late = [
        entry.time - datetime.fromisoformat(ends).timestamp()
        for entry in stage.writes(PROD, since=before)
    ]
    stage.holds(
        f"it was taken out {', '.join(f'{each:.1f} s' for each in late)} after its end, "
        "in one write",
        seen=[0 <= each <= _PROMPT_SECONDS for each in late],
        expected=[True],
    )
    stage.kubectl("wait --for=delete aag/quick-look -n team-a --timeout=60s")
    stage.holds(
        "the expired object is gone",
        seen="quick-look" in stage.kubectl("get aag -n team-a"),
        expected=False,
    )


def early_end(stage: Stage) -> None:
    """A grant is deleted early: kubectl returns when the access is gone"""
    stage.kubectl("delete -f examples/plain/grants/laptop.yaml")
    stage.holds(
        f"{LAPTOP} was out when kubectl returned", seen=stage.enforced(PROD), expected=PROD_AT_REST
    )
    stage.kubectl("delete -f examples/plain/grants/ci-runners.yaml", lines=3)
    stage.show()
    stage.holds(
        "the twenty runners are out too",
        seen=stage.enforced(LAB),
        expected=OFFICE | {VENDOR, TRAINING_ROOM},
    )


def strangers(stage: Stage) -> None:
    """Somebody edits the lists in the portal"""
    stage.stranger_adds(PROD, STRANGER)
    stage.stranger_adds(LAB, STRANGER)
    stage.becomes(
        "lab-neu (Exclusive): the entry is taken out again",
        look=lambda: stage.enforced(LAB),
        expected=OFFICE | {VENDOR, TRAINING_ROOM},
    )
    stage.kubectl("wait --for=jsonpath={.status.summary.foreign}=3 aat/prod-weu --timeout=60s")
    stage.kubectl("apply -f examples/plain/grants/laptop.yaml")
    stage.kubectl("wait --for=condition=Programmed aag/laptop -n team-a --timeout=60s")
    stage.show(PROD, LAB)
    stage.holds(
        "prod-weu (Merge): the entry is reported, and the next write keeps it",
        seen=stage.enforced(PROD),
        expected=PROD_AT_REST | {LAPTOP, STRANGER},
    )


def cleared(stage: Stage) -> None:
    """Somebody clears the list, so that anyone can reach the cluster"""
    stage.stranger_clears(PROD)
    stage.becomes(
        "the operator puts the whole list back, entries of others included",
        look=lambda: stage.enforced(PROD),
        expected=PROD_AT_REST | {LAPTOP, STRANGER},
    )
    stage.kubectl("wait --for=condition=Ready aat/prod-weu --timeout=60s")
    stage.show(PROD)
    said = stage.kubectl(
        "get events -n default --field-selector involvedObject.name=prod-weu,reason=ListRestored "
        "-o custom-columns=REASON:.reason,MESSAGE:.message"
    )
    stage.holds(
        "an Event says so", seen="Somebody cleared the authorized IP ranges" in said, expected=True
    )


def quiet(stage: Stage) -> None:
    """Nothing changes, so nothing is written"""
    stage.read_again(times=1)  # what the last step set going has settled by then
    before, already = stage.mark(), len(stage.kubernetes_writes())
    stage.read_again(times=2)
    stage.holds(
        "every cluster was read twice more, with no write to Azure",
        seen=sum(len(stage.writes(name, since=before)) for name in stage.world.clusters),
        expected=0,
    )
    stage.holds(
        stage.world.witness.silence,
        seen=[each.what for each in stage.kubernetes_writes()[already:]],
        expected=[],
    )


def in_all(stage: Stage) -> None:
    """What must hold for every write of the whole run"""
    control = stage.world.arm.control
    every = [entry for name in stage.world.clusters for entry in stage.writes(name)]
    stage.holds("every write was guarded by If-Match", seen=set(_guarded(every)), expected={True})
    stage.holds(
        "none opened a cluster or let everyone in",
        seen=[entry.path for entry in every if entry.flags],
        expected=[],
    )
    stage.holds(
        "none changed anything but the list",
        seen=[entry.damage for entry in control.damage()],
        expected=[],
    )
    stage.operator.sigterm()
    stage.holds(
        "the operator ends when it is told to, with exit code 0",
        seen=stage.operator.wait(),
        expected=0,
    )


STEPS: Final[tuple[Callable[[Stage], None], ...]] = (
    take_on,
    one_grant,
    twenty_grants,
    refusals,
    other_forms,
    expiry,
    early_end,
    strangers,
    cleared,
    quiet,
    in_all,
)
"""In order; each one's docstring is its heading."""


def _guarded(writes: list[JournalEntry]) -> list[bool]:
    return [entry.headers.get("if-match", "*") != "*" for entry in writes]
