"""Random histories as data: a list of steps that can be printed, replayed, cut down and kept.

A step does nothing where it does not apply, so that any part of a history is a history too.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TARGETS = ("weu", "neu")
GRANTS = (*(f"team-a/g{number}" for number in range(4)), "team-b/h0", "team-b/h1")
POOL = (*(f"81.2.69.{number}/32" for number in range(8)), "81.2.69.0/30", "81.2.69.4/31")
"""What grants ask for."""
BASELINE = ("51.140.0.0/24", "51.140.1.0/24", "51.140.2.7/32")
OTHERS = ("198.41.0.4/32", "198.41.1.0/24", "81.2.0.0/16", "AzureCloud")
"""What nobody but others ever puts in; one of them covers everything that grants ask for."""
POLICIES = (
    "all", "all", "all", "denied", "allowed", "short", "ended", "namespaces", "few", "narrow",
    "why",
)  # fmt: skip
AZURE_FAULTS = ("busy", "changed", "throttled", "uncertain", "forbidden", "missing", "lost")
KUBE_CALLS = (
    "objects.get", "objects.add_finalizer", "objects.remove_finalizer", "objects.patch_status",
    "objects.delete", "ledgers.load", "ledgers.save", "ledgers.keys", "ledgers.delete",
    "ledgers.acknowledgement", "activations.record", "activations.load_all", "activations.forget",
)  # fmt: skip
WAITS = (0.0, 0.02, 0.2, 0.5, 1.5, 3.0, 10.0, 50.0, 61.0, 200.0, 700.0, 1900.0)

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens, and the seconds until the next one."""

    act: str
    args: Args = field(default_factory=dict)
    wait: float = 0.0


Script = tuple[Step, ...]


def _grant(rng: random.Random) -> Args:
    end = rng.choice(["none", "none", "soon", "late", "counted", "counted"])
    return {
        "path": rng.choice(GRANTS),
        "ranges": tuple(rng.sample(POOL, rng.choice([1, 1, 1, 2, 3]))),
        "target": rng.choice([*TARGETS, *TARGETS, "tier"]),
        "minutes": {"soon": rng.choice([1, 5, 20]), "late": rng.choice([90, 150])}.get(end, 0),
        "lasts": rng.choice(["3m", "30m", "2h"]) if end == "counted" else "",
        "begins": rng.choice([0, 0, 0, 0, 2, 30]),
        "sets": rng.random() < 0.15,
        "revoked": rng.random() < 0.1,
        "tracked": rng.random() < 0.2,
        "why": rng.choice(["", "work"]),
    }


def _entries(rng: random.Random, pool: tuple[str, ...], most: int) -> tuple[str, ...]:
    return tuple(rng.sample(pool, rng.randint(0, most)))


def _blank_or_not(rng: random.Random) -> Args:
    return {"name": rng.choice(TARGETS), "ranges": _entries(rng, BASELINE, 3)}


def _made_anew(rng: random.Random) -> Args:
    return {"name": rng.choice(TARGETS), "ranges": _entries(rng, (*OTHERS, *POOL), 3)}


def _put_in(rng: random.Random) -> Args:
    pool = (*OTHERS, *OTHERS, *POOL, *BASELINE)
    return {"name": rng.choice(TARGETS), "entry": rng.choice(pool)}


def _kube_fault(rng: random.Random) -> Args:
    return {
        "call": rng.choice(KUBE_CALLS),
        "conflict": rng.random() < 0.3,
        "times": rng.choice([1, 1, 2, 4, 30]),
        "applied": rng.random() < 0.4,
    }


def _azure_fault(rng: random.Random) -> Args:
    return {
        "call": rng.choice(["get", "get", "put_ranges", "put_ranges", "operation"]),
        "fault": rng.choice(AZURE_FAULTS),
        "times": rng.choice([1, 1, 2, 5, 40]),
    }


def _crash(rng: random.Random) -> Args:
    return {"after": rng.randrange(1, 40), "down": rng.choice([0.0, 1.0, 30.0, 400.0])}


KINDS = ("ApiAccessGrant", "ApiAccessTarget", "IPRangeSet", "Namespace")
MODES = ("Observe", "Merge", "Merge", "Exclusive")


def _chosen(**among: tuple[Any, ...]) -> Callable[[random.Random], Args]:
    """Arguments, each one of a few."""
    return lambda rng: {name: rng.choice(values) for name, values in among.items()}


def _at_target(**among: tuple[Any, ...]) -> Callable[[random.Random], Args]:
    return _chosen(name=TARGETS, **among)


BOTH = (True, False)
ACTS: Mapping[str, tuple[int, Callable[[random.Random], Args]]] = {
    "grant": (22, _grant),
    "delete": (8, _chosen(path=GRANTS)),
    "force_delete": (2, _chosen(path=GRANTS)),
    "replace": (2, _grant),
    "revoke": (3, _chosen(path=GRANTS, on=BOTH)),
    "ask": (1, _at_target()),
    "relabel": (2, _at_target(tier=("dev", "prod"))),
    "move": (2, _chosen(space=("team-a", "team-b"), env=("dev", "prod"))),
    "edit_set": (2, lambda rng: {"ranges": _entries(rng, POOL, 3)}),
    "policy": (4, _at_target(kind=POLICIES)),
    "mode": (3, _at_target(mode=MODES)),
    "suspend": (2, _at_target(on=BOTH)),
    "baseline": (2, _blank_or_not),
    "delete_target": (2, _at_target(detach=(True, False, False))),
    "force_delete_target": (1, _at_target()),
    "create_target": (4, _at_target()),
    "acknowledge": (2, _at_target()),
    "put_in": (4, _put_in),
    "take_out": (3, _at_target(at=tuple(range(8)))),
    "clear": (1, _at_target()),
    "cluster_gone": (1, _at_target(on=BOTH)),
    "cluster_made_anew": (1, _made_anew),
    "stop_cluster": (1, _at_target(on=BOTH)),
    "busy": (3, _at_target(seconds=(5, 90, 400), failed=(True, False, False, False))),
    "fail_next": (2, _at_target()),
    "unacceptable": (2, _at_target(entry=POOL)),
    "lose_ledger": (1, _at_target()),
    "roll_back_ledger": (1, _at_target(by=(1, 2, 5))),
    "spoil_ledger": (1, _at_target()),
    "meddle": (1, _at_target()),
    "step_clock": (1, _chosen(seconds=(-600, -60, 45, 600), doubted=BOTH)),
    "crash": (5, _crash),
    "restart": (2, _chosen(down=(0.0, 30.0, 400.0, 2000.0))),
    "pause": (2, _chosen(seconds=(10.0, 36.0, 70.0))),
    "stall": (2, _chosen(on=BOTH)),
    "lose_events": (1, _chosen(deleted_only=BOTH)),
    "blind": (2, _chosen(kind=KINDS)),
    "azure_fault": (6, _azure_fault),
    "kube_fault": (6, _kube_fault),
}  # fmt: skip


def setup(rng: random.Random) -> Step:
    """How the two clusters and their targets stand at the start."""
    args: dict[str, Any] = {
        "drift": rng.choice([600.0, 3600.0, 3600.0]),
        "management": rng.choice([(), (), ("52.0.0.9/32",)]),
        "targets": tuple(
            {
                "name": name,
                "mode": rng.choice(["Merge", "Merge", "Merge", "Exclusive", "Observe"]),
                "live": rng.choice([None, *[_entries(rng, (*OTHERS, *BASELINE, *POOL), 4)] * 7]),
                "baseline": _entries(rng, BASELINE, 2),
                "restrict": rng.random() < 0.5,
                "outbound": rng.choice(["loadBalancer"] * 3 + ["userDefinedRouting"]),
                "policy": rng.choice(POLICIES),
                "tier": rng.choice(["dev", "prod"]),
            }
            for name in TARGETS
        ),
    }
    return Step("setup", args)


def scripted(rng: random.Random, *, steps: int) -> Script:
    """A random history: the setup, then steps."""
    names = list(ACTS)
    weights = [ACTS[name][0] for name in names]
    found = [setup(rng)]
    for _ in range(steps):
        act = rng.choices(names, weights)[0]
        found.append(Step(act, ACTS[act][1](rng), rng.choice(WAITS)))
    return tuple(found)
