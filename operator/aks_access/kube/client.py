"""Writes to the operator's own objects, each guarded by the uid.

A guard is a `test` of a JSON patch or a precondition of the deletion: the API server checks it in
the same step as it writes, so that an object that was deleted and created again under its name
never gets what was meant for the first. Finalizers are touched one by one, never as a list: other
controllers have theirs on the same object.
"""

from collections.abc import Mapping
from typing import Final

from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeConflict, KubeNotFound
from aks_access.kube.answers import finalizers, meta_text, without_managed_fields
from aks_access.kube.connection import Connection
from aks_access.kube.resources import RESOURCES

_REMOVE_ATTEMPTS: Final = 8

Operation = Mapping[str, object]


class KubeObjects:
    """`ports.Objects` on a real API server."""

    def __init__(self, *, connection: Connection) -> None:
        self._connection = connection

    async def get(self, *, kind: Kind, namespace: str, name: str) -> Mapping[str, object] | None:
        """Read one object by name; None where it is gone (404)."""
        path = RESOURCES[kind].object(namespace=namespace, name=name)
        try:
            return without_managed_fields(await self._connection.get(path))
        except KubeNotFound:
            return None

    async def add_finalizer(self, *, ref: ObjectRef, finalizer: str) -> Mapping[str, object]:
        """Add a finalizer if absent; returns the object as it is then.

        Raises `KubeConflict` where the object changed since `ref.resource_version`, is another
        one, or is being deleted; `KubeNotFound` where it is gone.
        """
        if ref.resource_version:
            try:
                return await self._patch(ref, _first_finalizer(ref, finalizer))
            except KubeConflict:
                pass  # most often: it has finalizers already, which only a read can tell
        raw = await self._read(ref)
        version = meta_text(raw, "resourceVersion")
        if ref.resource_version and version != ref.resource_version:
            raise KubeConflict(
                f"{_words(ref)} changed: it is at resourceVersion {version}, "
                f"not at {ref.resource_version}"
            )
        if finalizer in finalizers(raw):
            return raw
        if meta_text(raw, "deletionTimestamp"):
            raise KubeConflict(f"{_words(ref)} is being deleted: it takes no new finalizer")
        if not finalizers(raw):
            guarded = ObjectRef(ref.kind, ref.name, ref.uid, ref.namespace, version)
            return await self._patch(ref, _first_finalizer(guarded, finalizer))
        return await self._patch(
            ref,
            [
                _test("/metadata/uid", ref.uid),
                _test("/metadata/resourceVersion", version),
                {"op": "add", "path": "/metadata/finalizers/-", "value": finalizer},
            ],
        )

    async def remove_finalizer(self, *, ref: ObjectRef, finalizer: str) -> None:
        """Remove our finalizer and no other; an object that is gone already is no error.

        The resourceVersion is not tested: the removal holds whatever else is edited meanwhile,
        and the test of the list's place is what keeps other finalizers safe. Raises
        `KubeConflict` where others change the list again and again.
        """
        for _ in range(_REMOVE_ATTEMPTS):
            try:
                held = finalizers(await self._read(ref))
            except (KubeNotFound, KubeConflict):
                return
            if finalizer not in held:
                return
            place = f"/metadata/finalizers/{held.index(finalizer)}"
            try:
                await self._patch(
                    ref,
                    [
                        _test("/metadata/uid", ref.uid),
                        _test(place, finalizer),
                        {"op": "remove", "path": place},
                    ],
                )
            except KubeNotFound:
                return
            except KubeConflict:
                continue
            return
        raise KubeConflict(
            f"the finalizers of {_words(ref)} changed {_REMOVE_ATTEMPTS} times "
            f"while {finalizer} was to be removed"
        )

    async def patch_status(
        self, *, ref: ObjectRef, status: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Replace the status; fields that are absent from `status` are cleared.

        Raises `KubeConflict` where the name belongs to another object by now.
        """
        path = f"{RESOURCES[ref.kind].object(namespace=ref.namespace, name=ref.name)}/status"
        answer = await self._connection.json_patch(
            path,
            operations=[
                _test("/metadata/uid", ref.uid),
                {"op": "add", "path": "/status", "value": dict(status)},
            ],
        )
        return without_managed_fields(answer)

    async def delete(self, *, ref: ObjectRef) -> Mapping[str, object] | None:
        """Delete that very object at that very version; gone already is no error.

        Returns the object as its finalizers keep it; None = it is gone.
        Raises `KubeConflict` where it changed, so that an extension is never raced.
        """
        preconditions = {"uid": ref.uid}
        if ref.resource_version:
            preconditions["resourceVersion"] = ref.resource_version
        path = RESOURCES[ref.kind].object(namespace=ref.namespace, name=ref.name)
        options: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        try:
            answer = await self._connection.delete(path, body=options)
        except KubeNotFound:
            return None
        except KubeConflict:
            try:
                await self._read(ref)
            except (KubeNotFound, KubeConflict):
                return None
            raise
        return None if answer.get("kind") == "Status" else without_managed_fields(answer)

    async def _read(self, ref: ObjectRef) -> Mapping[str, object]:
        """That very object: `KubeNotFound` where it is gone, `KubeConflict` if it is a namesake."""
        raw = await self.get(kind=ref.kind, namespace=ref.namespace, name=ref.name)
        if raw is None:
            raise KubeNotFound(f"{_words(ref)} is gone", status=404)
        uid = meta_text(raw, "uid")
        if uid != ref.uid:
            raise KubeConflict(f"{_words(ref)} is another object by now, with uid {uid}")
        return raw

    async def _patch(self, ref: ObjectRef, operations: list[Operation]) -> Mapping[str, object]:
        path = RESOURCES[ref.kind].object(namespace=ref.namespace, name=ref.name)
        return without_managed_fields(
            await self._connection.json_patch(path, operations=operations)
        )


def _first_finalizer(ref: ObjectRef, finalizer: str) -> list[Operation]:
    """Only where the object has no finalizers: the `test` of null passes on a missing list."""
    return [
        _test("/metadata/uid", ref.uid),
        _test("/metadata/resourceVersion", ref.resource_version),
        _test("/metadata/finalizers", None),
        {"op": "add", "path": "/metadata/finalizers", "value": [finalizer]},
    ]


def _test(path: str, value: object) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _words(ref: ObjectRef) -> str:
    where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    return f"{ref.kind} {where} (uid {ref.uid})"
