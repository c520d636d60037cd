"""A scenario's history from outside the operator: the emulator's journal and the audit log.

Only what concerns one test's clusters and objects is taken; times are seconds since its beginning.
"""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.arm.control import ControlError
from sandbox.arm.journal import Area, JournalEntry
from sandbox.controlplane.audit import raw_events
from tests.facts import part
from tests.history import Cluster, History, Ledger, Line, Mark, Object, Owned, Read, Result, Sign
from tests.history import Write as Put

if TYPE_CHECKING:
    from tests.integration.world import World

_KINDS = {
    "apiaccessgrants": "ApiAccessGrant",
    "apiaccesstargets": "ApiAccessTarget",
    "iprangesets": "IPRangeSet",
    "namespaces": "Namespace",
}
_WRITES = frozenset({"create", "update", "patch", "delete"})


def history_of(world: "World", *, operator: str, steady: bool) -> History:
    """The world's history up to now.

    `operator` is the API server's name of the operator; `steady` says that one runs all the time,
    so that what it has to do in time is judged too.
    """
    entries = [entry for cluster in world.clusters for entry in cluster.journal()]
    events = list(_events(world))
    first = min([entry.time for entry in entries] + [_time(event) for event in events], default=0.0)
    lines = [
        line
        for cluster in world.clusters
        for line in _cluster(cluster.journal(), cluster, others=world.others)
    ]
    lines += _objects(events, world, operator)
    history = History(epoch=datetime.fromtimestamp(first, UTC))
    started = (Mark(at=first, sign=Sign.STARTED),) if steady else ()
    ordered = sorted((*started, *lines), key=lambda line: line.at)
    history.add(*(replace(line, at=line.at - first) for line in ordered))
    return history


# the emulator's journal


def _cluster(entries: list[JournalEntry], cluster: Any, *, others: Set[str]) -> Iterator[Line]:
    properties = _properties(cluster) if entries else {}
    known = False
    stands: list[str] | None = None
    for entry in entries:
        if entry.before is None and entry.after is None and entry.method == "PUT":
            entry = replace(entry, before=stands, after=stands)  # refused before it was looked at
        if entry.area == Area.CONTROL and entry.cluster == cluster.key:
            if not known or entry.method == "CREATE":
                known = True
                yield _facts(entry, cluster.key, properties)
            elif entry.method == "DELETE":
                yield Cluster(at=entry.time, cluster=cluster.key, exists=False)
            else:
                yield _edit(entry, cluster.key)
        elif entry.area == Area.ARM and entry.client_id in others:
            if entry.method == "PUT" and entry.status == 200:
                yield _edit(entry, cluster.key)
        elif entry.area == Area.ARM and known:
            yield from _request(entry, cluster.key)
        if entry.cluster == cluster.key and entry.method != "GET":
            stands = entry.after


def _properties(cluster: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = cluster.view().body.get("properties", {})
    except ControlError:
        return {}  # deleted
    return found


def _facts(entry: JournalEntry, key: str, properties: Mapping[str, Any]) -> Cluster:
    access = properties.get("apiServerAccessProfile") or {}
    network = properties.get("networkProfile") or {}
    return Cluster(
        at=entry.time,
        cluster=key,
        uid=str(entry.sequence),
        ranges=_ranges(entry.after),
        outbound=network.get("outboundType") or "loadBalancer",
        vnet=bool(access.get("enableVnetIntegration")),
        blocked="private" if access.get("enablePrivateCluster") else "",
    )


def _edit(entry: JournalEntry, key: str) -> Put:
    """A list changed by somebody else."""
    before, after = _ranges(entry.before), _ranges(entry.after)
    return Put(at=entry.time, cluster=key, operator=False, before=before, after=after)


def _request(entry: JournalEntry, key: str) -> Iterator[Line]:
    result = _result(entry)
    if entry.method == "GET" and entry.path.lower() == key:
        yield Read(at=entry.time, cluster=key, result=result)
    if entry.method != "PUT" or entry.body is None:
        return
    profile = part(entry.body, "properties", "apiServerAccessProfile") or {}
    yield Put(
        at=entry.time,
        cluster=key,
        sent=_ranges(profile.get("authorizedIPRanges")),
        before=_ranges(entry.before),
        after=_ranges(entry.after),
        if_match=any(name.lower() == "if-match" for name in entry.headers),
        result=result,
        damage=tuple(entry.damage),
        existed=entry.status != 404,
        created="created" in entry.flags,
    )


def _result(entry: JournalEntry) -> Result:
    if entry.status in (200, 201):
        return Result.OK if entry.answered else Result.UNCERTAIN
    if entry.status == 0 or entry.status >= 500 or not entry.answered:
        return Result.UNCERTAIN
    named = {400: Result.INVALID, 412: Result.CHANGED, 404: Result.MISSING}
    return named.get(entry.status, Result.FAILED)


def _ranges(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


# the audit log


def _events(world: "World") -> Iterator[dict[str, Any]]:
    """The successful writes that the API server answered since the test began."""
    for event in raw_events(world.plane.audit_log, offset=world.begun.audit):
        code = event.get("responseStatus", {}).get("code", 0)
        if event["verb"] in _WRITES and 200 <= code < 300 and "objectRef" in event:
            yield event


def _time(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["stageTimestamp"]).timestamp()


def _objects(events: list[dict[str, Any]], world: "World", operator: str) -> Iterator[Line]:
    """A CRD takes its objects along: the API server deletes them itself, and audits none of it."""
    known: dict[tuple[str, str, str], Object] = {}
    for event in events:
        about = event["objectRef"]
        if about["resource"] == "customresourcedefinitions" and event["verb"] == "delete":
            kind = _KINDS.get(about["name"].partition(".")[0])
            at = _time(event)
            for each in known.values():
                if each.kind == kind and each.raw is not None:
                    yield replace(each, at=at, raw=_deleted(each.raw, at), operator=False)
        for line in _object(event, world, operator):
            if isinstance(line, Object):
                known[line.kind, line.namespace, line.name] = line
            yield line


def _deleted(raw: Mapping[str, Any], at: float) -> Mapping[str, Any] | None:
    """The object from its deletion on, as long as a finalizer holds it."""
    if not part(raw, "metadata", "finalizers"):
        return None
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**raw, "metadata": {**raw["metadata"], "deletionTimestamp": when}}


def _object(event: Mapping[str, Any], world: "World", operator: str) -> Iterator[Line]:
    about = event["objectRef"]
    by_operator = event["user"].get("username") == operator
    name, space = about.get("name", ""), about.get("namespace", "")
    raw = event.get("responseObject") or {}
    name = name or str(part(raw, "metadata", "name") or "")
    if about["resource"] == "configmaps":
        for cluster in world.clusters:
            if cluster.ledger_name == name:
                yield _ledger(event, raw, cluster.key, by_operator=by_operator)
        return
    kind = _KINDS.get(about["resource"])
    mine = space in world.namespaces or name in world.namespaces
    if (
        kind is None
        or "metadata" not in raw
        or not (mine or any(item.name == name for item in world.objects))
    ):
        return
    if kind == "Namespace":
        space = ""
    yield Object(
        at=_time(event),
        kind=kind,
        namespace=space,
        name=name,
        raw=None if _gone(event, raw) else raw,
        operator=by_operator,
    )


def _gone(event: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Whether nothing is left: deleted at once, or the last finalizer of a dying object taken."""
    dying = bool(part(raw, "metadata", "deletionTimestamp"))
    held = bool(part(raw, "metadata", "finalizers"))
    if raw.get("kind") == "Namespace":
        return False
    return (event["verb"] == "delete" or dying) and not held


def _ledger(
    event: Mapping[str, Any], raw: Mapping[str, Any], key: str, *, by_operator: bool
) -> Ledger:
    at = _time(event)
    try:
        found = json.loads((raw.get("data") or {})["ledger.json"])
        if found["resourceId"].lower() != key:
            raise ValueError("another cluster's")
        owners = found["owners"]
        entries = {
            entry["range"]: Owned(
                entry["state"],
                tuple(owners[place] for place in entry["owners"]),
                tuple(owners[place] for place in entry.get("released", ())),
            )
            for entry in found["entries"]
        }
    except (AttributeError, KeyError, ValueError, TypeError, IndexError):
        return Ledger(at=at, cluster=key, entries=None, operator=by_operator)
    if event["verb"] == "delete":
        return Ledger(at=at, cluster=key, entries=None, operator=by_operator)
    return Ledger(
        at=at,
        cluster=key,
        entries=entries,
        verified=_ranges(found.get("verified")),
        operator=by_operator,
    )
