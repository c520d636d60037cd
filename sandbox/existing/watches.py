"""Watches of all that the operator can write, as witness where the audit log is not ours to read.

Its ServiceAccount may write to its own kinds, to the ConfigMaps and Leases of its namespace, and
Events; nothing else. So watches of these (but the Leases) see each of its writes that changed
something. Whose change it was is told by `managedFields`.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlencode

from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.existing.cluster import ExistingCluster
from sandbox.existing.inventory import things
from sandbox.management import Write
from sandbox.processes import Process, ProcessError, wait_until

OPERATOR: Final = SERVICE_ACCOUNT
"""The operator's name in `managedFields`."""

EVENTS: Final = "/apis/events.k8s.io/v1/events"
EVENTS_OF_OURS: Final = {"fieldSelector": f"reportingController=aksaccess.dev/{SERVICE_ACCOUNT}"}

_WATCH_SECONDS: Final = 24 * 3600
_CAUGHT_UP_SECONDS: Final = 20.0
_VERBS: Final = {"ADDED": "create", "MODIFIED": "patch", "DELETED": "delete"}

Object = Mapping[str, Any]


@dataclass(slots=True)
class _Watch:
    """One collection: the process that follows it, and what it has told so far."""

    path: str
    query: Mapping[str, str]
    process: Process
    objects: dict[str, Object] = field(default_factory=dict)
    read: int = 0

    @property
    def resource(self) -> str:
        return self.path.rpartition("/")[2]

    def news(self) -> Iterator[Write]:
        """What was told since the last call and was the operator's, or may have been."""
        with self.process.log.open("rb") as told:
            told.seek(self.read)
            for line in told:
                if not line.endswith(b"\n"):
                    return
                self.read += len(line)
                yield from self._take(line)

    def _take(self, line: bytes) -> Iterator[Write]:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            event = {"type": "ERROR", "object": line.decode(errors="replace").strip()}
        kind, found = event["type"], event["object"]
        if kind == "BOOKMARK":
            return
        if kind not in _VERBS:
            raise ProcessError(f"the watch of {self.resource} failed: {found}")
        uid = found["metadata"]["uid"]
        before = self.objects.pop(uid, None)
        if kind != "DELETED":
            self.objects[uid] = found
        changed = changes(before, found)
        if any(manager == OPERATOR for manager, _ in changed) or kind == "DELETED":
            parts = {part for manager, part in changed if manager == OPERATOR and part}
            name = "/".join((self.resource, *sorted(parts)))
            yield Write(
                resource=name, verb=_VERBS[kind], what=f"{_VERBS[kind]} {name} {_named(found)}"
            )


class Watches:
    """`Witness` by watches, from `start` on."""

    title = "Changes that the operator made in Kubernetes, by watches, the Lease left out"
    silence = "no object that the operator can write has changed, its Lease left out"
    left_out = (
        "Left out: writes that the API server refused, and those that changed nothing. Only an "
        "audit log shows them, and this cluster's is not at hand; `make demo` alone reads one."
    )

    def __init__(self, cluster: ExistingCluster) -> None:
        self._cluster = cluster
        self._watches: list[_Watch] = []
        self._writes: list[Write] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            for path, query in _collections():
                self._follow(path, query)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def writes(self) -> Sequence[Write]:
        """Every change by the operator, and every deletion: who deletes is not recorded.

        Waits until the watches have told all that is the case now. Raises ProcessError where
        one has ended.
        """
        wait_until(
            self._caught_up, what="the watches to tell the newest", timeout=_CAUGHT_UP_SECONDS
        )
        return tuple(self._writes)

    def _follow(self, path: str, query: Mapping[str, str]) -> None:
        listed = self._list(path, query)
        parameters = {
            **query,
            "watch": "1",
            "resourceVersion": listed["metadata"]["resourceVersion"],
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        process = Process(
            [str(self._cluster.program), "get", "--raw", f"{path}?{urlencode(parameters)}"],
            name=f"watch-{path.rpartition('/')[2]}",
            scratch=self._cluster.scratch,
            env=self._cluster.environment,
        )
        self._stack.callback(process.stop)
        objects = {each["metadata"]["uid"]: each for each in listed["items"]}
        self._watches.append(_Watch(path=path, query=query, process=process, objects=objects))

    def _caught_up(self) -> bool:
        for watch in self._watches:
            watch.process.ensure_running()
            now = _versions(self._list(watch.path, watch.query)["items"])
            self._writes.extend(watch.news())
            if _versions(watch.objects.values()) != now:
                return False
        return True

    def _list(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._cluster.request("GET", f"{path}?{urlencode(query)}")


def changes(before: Object | None, after: Object) -> list[tuple[str, str]]:
    """Who has changed an object, and which part (a subresource, or ""), by its managedFields."""
    old, new = (_managers(each) for each in (before or {"metadata": {}}, after))
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _managers(found: Object) -> dict[tuple[str, str], object]:
    return {
        (each.get("manager", ""), each.get("subresource", "")): (each.get("time"), each["fieldsV1"])
        for each in found["metadata"].get("managedFields", [])
    }


def _collections() -> Iterator[tuple[str, Mapping[str, str]]]:
    for thing in things():
        if thing.kind == "CustomResourceDefinition":
            yield thing.instances, {}
    yield f"/api/v1/namespaces/{NAMESPACE}/configmaps", {}
    yield EVENTS, EVENTS_OF_OURS


def _versions(objects: Any) -> dict[str, str]:
    return {each["metadata"]["uid"]: each["metadata"]["resourceVersion"] for each in objects}


def _named(found: Object) -> str:
    metadata = found["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
