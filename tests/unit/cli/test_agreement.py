"""`validate --targets` says of objects what the operator's plan says of them, in the same words."""

import json
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aks_access.api.duration import format_duration
from aks_access.api.names import API_VERSION, ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.grants.ask import as_yaml
from aks_access.engine.notes import finding_note
from aks_access.engine.verdicts import Blocker, blocked_report
from aks_access.plan.access import ended, matches
from aks_access.plan.adoption import Adoption, fresh
from aks_access.plan.cluster import ClusterView
from aks_access.plan.holders import barrier as barrier_of
from aks_access.plan.holders import claimants, incumbent
from aks_access.plan.outcome import AccessState
from aks_access.plan.planner import plan
from aks_access.plan.sentences import refusal_sentence
from aks_access.plan.world import World
from aks_access.projection import (
    project_grant,
    project_namespace,
    project_range_set,
    project_target,
)
from tests.unit.cli.transcript import NOW, execute

ID = (
    "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/c1"
)
VIEW = ClusterView(
    resource_id=ID,
    resource_uid="u",
    etag="e",
    provisioning_state="Succeeded",
    power_state="Running",
    ranges=("198.41.0.4/32",),
)
TEAMS = ("team-a", "team-b")
GOOD = ["81.2.69.142", "20.50.1.0/28", "20.50.1.7/32", "51.140.0.0/24", "20.50.0.0/20"]
BAD = ["10.0.0.1", "0.0.0.0/0", "81.2.69.143/24", "2a02::1", "20.0.0.0/8", "x"]
RANGES = st.sampled_from([*GOOD, *GOOD, *GOOD, *GOOD, *BAD])
TIMES = st.sampled_from([-48, -1, 0, 1, 4, 23, 24, 25, 72, 9000]).map(
    lambda hours: format_timestamp(NOW + timedelta(hours=hours))
)
LENGTHS = st.sampled_from([1, 4, 24, 25, 400]).map(lambda h: format_duration(timedelta(hours=h)))
TEXTS = st.sampled_from(["", "why", "8:30", "ü", " ", "why", "8:30", "ü", True])


def maps(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


REFERENCES = st.sampled_from(["office", "nat", "absent"]).map(lambda name: {"name": name})
LABELS = st.sampled_from(["dev", "prod"]).map(lambda tier: {"matchLabels": {"tier": tier}})
TARGETED = st.one_of(
    st.sampled_from(["c1", "c1", "c1", "c2"]).map(lambda name: {"targetRef": {"name": name}}),
    LABELS.map(lambda found: {"targetSelector": found}),
    st.just({}),
)
ASKED = maps(
    ipRanges=st.lists(RANGES, min_size=1, max_size=3),
    rangeSetRefs=st.lists(REFERENCES, max_size=2),
    notBefore=TIMES,
    revoked=st.booleans(),
    reason=TEXTS,
    ticketRef=TEXTS,
    requestedBy=TEXTS,
)
ENDS = st.one_of(
    TIMES.map(lambda end: {"expiresAt": end}),
    LENGTHS.map(lambda length: {"duration": length}),
    st.just({}),
)
SPECS = st.tuples(TARGETED, ASKED, ENDS).map(lambda parts: {**parts[0], **parts[1], **parts[2]})
NETWORKS = st.lists(
    st.sampled_from(["20.0.0.0/8", "81.2.69.0/24", "51.140.0.0/24"]), min_size=1, max_size=2
)
ALLOWED = st.one_of(
    st.just({"from": "All"}), LABELS.map(lambda s: {"from": "Selector", "selector": s})
)
POLICIES = st.tuples(
    ALLOWED,
    maps(
        maxDuration=LENGTHS,
        minPrefixLength=st.sampled_from([16, 24, 28, 32]),
        allowedRanges=NETWORKS,
        deniedRanges=NETWORKS,
        allowPermanent=st.booleans(),
        requireReason=st.booleans(),
        requireTicket=st.booleans(),
        requireRequestedBy=st.booleans(),
        maxGrantsPerNamespace=st.integers(1, 2),
        maxEntriesPerNamespace=st.integers(1, 3),
        contact=st.just("platform@contoso.com"),
    ),
).map(lambda parts: {"allowedNamespaces": parts[0], **parts[1]})


def item(kind: str, name: str, *, version: str = API_VERSION, **more: object) -> dict[str, Any]:
    fields = {key: value for key, value in more.items() if key != "spec"}
    made = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **fields}}
    return {**made, "spec": more["spec"]} if "spec" in more else made


def said_by_the_operator(
    grants: list[dict[str, Any]], *, target: Mapping[str, Any], others: list[dict[str, Any]]
) -> set[tuple[str, str, str]]:
    """`object, rule, sentence` of what does not parse, matches nothing or is refused."""
    place = project_target(target)
    rivals = [project_target(each) for each in others if each["kind"] == "ApiAccessTarget"]
    holder = incumbent(claimants([place, *rivals], key=place.key), None)
    barrier = barrier_of(place, holder=holder)
    spaces = [project_namespace(each) for each in others if each["kind"] == "Namespace"]
    sets = [project_range_set(each) for each in others if each["kind"] == "IPRangeSet"]
    known = [
        project_grant(
            {**raw, "metadata": {**raw["metadata"], "uid": f"{number:04}"}},
            argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL,
        )
        for number, raw in enumerate(grants)
    ]
    world = World(
        now=NOW,
        target=place,
        grants={each.uid: each for each in known if matches(grant=each, target=place)},
        sets={each.name: each for each in sets},
        namespaces={each.name: each for each in spaces},
    )
    verdicts = plan(
        world=world, view=VIEW, adoption=Adoption(fresh(target=place, view=VIEW))
    ).verdicts
    found = set()
    if barrier is not None:
        note = finding_note(finding=barrier, target=place, cluster=ID)
        verdicts = {}
        told = blocked_report(
            key=place.key,
            target=place,
            grants=world.grants.values(),
            blocker=Blocker(note.reason, note.message, retries=False),
            planned_at=0.0,
        ).grants
    for each in known:
        name = f"ApiAccessGrant {each.path}"
        if each.problems:
            found.add((name, "InvalidSpec", ""))
            continue
        if barrier is not None and each.uid in told:
            if ended(grant=each, activations={}, now=NOW) is None:
                found.add((name, str(told[each.uid].reason), told[each.uid].message))
            continue
        verdict = verdicts.get(each.uid)
        if verdict is None:
            if each.expires_at is None or each.expires_at > NOW:
                found.add((name, "TargetNotFound", ""))
            continue
        assert (verdict.state is AccessState.REFUSED) == bool(verdict.refusals)
        for refusal in verdict.refusals:
            sentence = refusal_sentence(
                refusal=refusal, target=place.name, contact=place.policy.contact
            )
            found.add((name, str(refusal.reason), sentence.partition(" Open to this")[0]))
    return found


@settings(max_examples=80, deadline=None)
@given(
    specs=st.lists(st.tuples(st.sampled_from(TEAMS), SPECS), min_size=1, max_size=5),
    policy=POLICIES,
    tier=st.sampled_from(["dev", "prod"]),
    mode=st.sampled_from(["Merge", "Exclusive"]),
    office=st.lists(st.sampled_from(["51.140.1.0/28", "20.51.0.0/16"]), min_size=1),
    broken=st.sampled_from([False, False, False, True]),
    rival=st.sampled_from([None, None, None, 1, 3]),
)
def test_the_check_and_the_plan_agree(
    specs: list[tuple[str, dict[str, Any]]],
    policy: dict[str, Any],
    tier: str,
    mode: str,
    office: list[str],
    broken: bool,
    rival: int | None,
) -> None:
    grants = [
        item("ApiAccessGrant", f"g{number}", namespace=namespace, spec=spec)
        for number, (namespace, spec) in enumerate(specs)
    ]
    spec = {"resourceId": ID, "mode": mode, "policy": policy}
    wrong = {"policy": {**policy, "maxDuration": "1d"}} if broken else {}
    made = {"uid": "u2", "creationTimestamp": "2026-11-02T00:00:00Z"}
    target = item("ApiAccessTarget", "c1", **made, labels={"tier": tier}, spec={**spec, **wrong})
    others = [
        *(
            item(
                "ApiAccessTarget",
                "other",
                uid="u1",
                creationTimestamp=f"2026-11-0{rival}T00:00:00Z",
                spec={**spec, "resourceId": ID.upper().replace("/SUBS", "/subs")},
            )
            for _ in ([] if rival is None else [rival])
        ),
        item("IPRangeSet", "office", spec={"ipRanges": office}),
        item("IPRangeSet", "nat", spec={"fromAzure": {"resourceId": ID.replace("c1", "x")}}),
        *(
            item("Namespace", name, version="v1", labels={"tier": label})
            for name, label in zip(TEAMS, ("dev", "prod"), strict=True)
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = {"grants": grants, "targets": [target, *others]}
        for name, objects in files.items():
            text = "---\n".join(as_yaml(each) for each in objects)
            Path(folder, f"{name}.yaml").write_text(text)
        judged = f"{folder}/grants.yaml --targets {folder}/targets.yaml"
        code, out, _ = execute(f"aks-access validate --format json {judged}")
    errors = [each for each in json.loads(out)["findings"] if each["level"] == "error"]
    assert code == bool(errors)
    said = {
        (
            each["object"],
            each["rule"],
            ""
            if each["rule"] in ("InvalidSpec", "TargetNotFound")
            else each["message"].partition(" Open to this")[0],
        )
        for each in errors
        if each["rule"] != "RevokedFalse"
    }
    assert said == said_by_the_operator(grants, target=target, others=others)
