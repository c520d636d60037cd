"""Takes away what a demo made on a cluster, and only that; needs neither memory nor an operator.

Ours is what carries the run's label, and what is inside of it. The operator has ended by now, so
nobody adds finalizers, and those that it left are taken off: what they stand for, access in Azure,
was the emulator's. Each round looks at the cluster anew, so that it may be interrupted, repeated,
or begun after a kill.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from sandbox.controlplane.client import ApiError
from sandbox.existing.cluster import ExistingCluster
from sandbox.existing.inventory import Thing, group, lasting, run_of
from sandbox.existing.watches import EVENTS, EVENTS_OF_OURS
from sandbox.management import Say

SECONDS: Final = 120.0
"""How long to wait for the cluster's own controllers: they empty namespaces."""

_INTERVAL = 0.5
_MERGE_PATCH = "application/merge-patch+json"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Removal:
    """The removal of one run's objects; of any run's for None."""

    def __init__(self, cluster: ExistingCluster, *, run: str | None) -> None:
        self._cluster = cluster
        self._run = run
        self._since: datetime | None = None
        self._kinds_are_ours = False
        self.found = False
        """Whether there was anything of ours."""

    def finish(self, *, seconds: float = SECONDS) -> list[str]:
        """Remove everything, and see that it is gone; returns what is left, with the reason."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                left = self._round()
            except (ApiError, OSError) as error:
                left = [f"what the demo made: the API server does not tell ({error})"]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(_INTERVAL)

    def _round(self) -> list[str]:
        """Ask for all that can go now; returns what was still there."""
        ours = list(self._ours())
        kinds = [thing for thing, _ in ours if thing.kind == "CustomResourceDefinition"]
        self.found = self.found or bool(ours)
        self._kinds_are_ours = self._kinds_are_ours or bool(kinds)
        self._note_the_beginning(ours)
        left = []
        for thing, found in ours:
            why = _reason(found)
            # A namespace goes last: it is emptied without trouble once its kinds are settled.
            if thing.kind != "Namespace" or not kinds:
                try:
                    why = self._take(thing, found) or why
                except ApiError as refused:  # this one stays, the others need not
                    why = refused.said
            left.append(f"{thing} ({why})" if why else str(thing))
        left += self._forget_events()
        if not ours and self._kinds_are_ours and self._still_served():
            left.append(f"API group {group()} (is being taken out of service)")
        return left

    def _take(self, thing: Thing, found: Mapping[str, Any]) -> str:
        """Delete an object, a CRD after its instances; why it is not time for it, or nothing."""
        if thing.kind == "CustomResourceDefinition" and (inside := self._empty(thing)):
            return f"with {', '.join(inside)}"
        self._delete(thing.path, found)
        return ""

    def _still_served(self) -> bool:
        """Whether the version of our kinds is still announced, a moment after the last is gone."""
        ours = {thing.version for thing in lasting() if thing.kind == "CustomResourceDefinition"}
        served = (self._get(f"/apis/{group()}") or {"versions": []})["versions"]
        return any(each["version"] in ours for each in served)

    def _ours(self) -> Iterator[tuple[Thing, Mapping[str, Any]]]:
        for thing in lasting():
            found = self._get(thing.path)
            if found is not None and (run := run_of(found)) and self._run in (None, run):
                yield thing, found

    def _empty(self, definition: Thing) -> list[str]:
        """Delete the objects of a kind of ours, finalizers and all; returns those still there."""
        listed = self._get(definition.instances) or {"items": []}
        for each in listed["items"]:
            metadata = each["metadata"]
            where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
            root, _, plural = definition.instances.rpartition("/")
            path = f"{root}{where}/{plural}/{metadata['name']}"
            if metadata.get("finalizers"):
                body = {"metadata": {"uid": metadata["uid"], "finalizers": None}}
                self._send("PATCH", path, body, content_type=_MERGE_PATCH)
            self._delete(path, each)
        names = definition.manifest["spec"]["names"]
        return [f"{names['kind']} {each['metadata']['name']}" for each in listed["items"]]

    def _note_the_beginning(self, ours: list[tuple[Thing, Mapping[str, Any]]]) -> None:
        stamps = [
            datetime.fromisoformat(found["metadata"]["creationTimestamp"]) for _, found in ours
        ]
        self._since = min([*stamps, *filter(None, [self._since])], default=None)

    def _forget_events(self) -> list[str]:
        """Delete the operator's Events of this run. Events of earlier installations stay."""
        if self._since is None:
            return []
        listed = self._cluster.request("GET", f"{EVENTS}?{urlencode(EVENTS_OF_OURS)}")
        root, _, plural = EVENTS.rpartition("/")
        left = []
        for each in listed["items"]:
            metadata = each["metadata"]
            if datetime.fromisoformat(metadata["creationTimestamp"]) >= self._since:
                self._delete(
                    f"{root}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}", each
                )
                left.append(f"Event {metadata['name']}")
        return left

    def _delete(self, path: str, found: Mapping[str, Any]) -> None:
        """Delete that very object: one of the same name that is newer is somebody else's."""
        if "deletionTimestamp" in found["metadata"]:
            return
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": found["metadata"]["uid"]},
        }
        self._send("DELETE", path, options)

    def _send(self, method: str, path: str, body: object, **more: str) -> None:
        try:
            self._cluster.request(method, path, body, **more)
        except ApiError as error:  # gone, or another one by now: the next round sees
            if error.code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    def _get(self, path: str) -> dict[str, Any] | None:
        try:
            return self._cluster.request("GET", path)
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return None


@contextlib.contextmanager
def unhurried(say: Say) -> Iterator[None]:
    """Let one Ctrl-C (or SIGTERM, SIGHUP) pass, and give up at the second: KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: how for number, how in handlers.items() if how != signal.SIG_IGN}

    def once(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.default_int_handler)
        say("still removing what was made; once more leaves it there")

    try:
        for number in before:
            signal.signal(number, once)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason(found: Mapping[str, Any]) -> str:
    """Why it takes its time, by its own conditions; "" where it was not deleted yet."""
    if "deletionTimestamp" not in found["metadata"]:
        return ""
    told = [
        each["message"]
        for each in found.get("status", {}).get("conditions") or []
        if each.get("status") == "True" and each.get("message")
        if each["type"].startswith("Namespace") or each["type"] == "Terminating"
    ]
    return "; ".join(told) or "is being deleted"
