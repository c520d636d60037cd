"""A grant applied to the management cluster, where nobody else's is in its place.

It replaces only what was looked at: an apply carries the uid and the version of that, and the API
server refuses it once somebody else has changed, deleted or made the grant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aks_access.api.ranges import quoted
from aks_access.cli.grants.ask import Ask
from aks_access.cli.grants.present import facts
from aks_access.cli.hub.cluster import FIELD_MANAGER, NOT_THERE, Cluster, DryRun, Resource
from aks_access.errors import KubeConflict

_OTHERS: Final = re.compile(r'conflicts? with "([^"]+)"[^:]*: (\S+)')
_TRIES: Final = 5
"""How often a grant's status may change under the apply: it does, when the grant is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An apply that may be made.

    Attributes:
        manifest: what is applied.
        outcome: the object as it will be, with the status of the one that is there.
        there: the grant in its place; None = nothing.
        forced: the fields that it takes over were written by this command's like alone.
    """

    ask: Ask
    manifest: Mapping[str, Any]
    outcome: Mapping[str, Any]
    there: Mapping[str, Any] | None = None
    forced: bool = False

    @property
    def path(self) -> str:
        """`namespace/name`."""
        return f"{self.ask.namespace}/{self.ask.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Creates the grant, or brings the one of that name up to date.

    Attributes:
        chosen: the name is the person's own choice, and not made of user and host.
        again: a grant that was revoked is let in again.
    """

    cluster: Cluster
    chosen: bool
    again: bool

    def prepare(self, ask: Ask, *, there: Mapping[str, Any] | None) -> Prepared:
        """See what is `there`, in its place (None = nothing).

        Raises KubeConflict where that is not to be overwritten.
        """
        manifest = ask.manifest()
        if there is None:
            return Prepared(ask=ask, manifest=manifest, outcome=manifest)
        self._check(ask, there)
        if facts(there).revoked:
            manifest["spec"]["revoked"] = False
        prepared = Prepared(
            ask=ask, manifest=manifest, outcome=manifest, there=there, forced=_ours(there)
        )
        return replace(prepared, outcome=self.apply(prepared, dry_run=DryRun.SERVER))

    def apply(self, prepared: Prepared, *, dry_run: DryRun = DryRun.NONE) -> dict[str, Any]:
        """Make it so. Raises KubeConflict where a field is somebody else's, or the grant is
        another one than was looked at.
        """
        for _ in range(_TRIES):
            try:
                return self._tried(prepared, dry_run=dry_run)
            except _Moved as error:
                prepared = replace(prepared, there=self._unedited(prepared, error))
        raise KubeConflict(
            f"Grant {prepared.path} changed again and again meanwhile, so nothing was written. "
            "Run this again."
        )

    def _tried(self, prepared: Prepared, *, dry_run: DryRun) -> dict[str, Any]:
        pinned = _pinned(prepared.manifest, to=prepared.there)
        try:
            return self.cluster.apply(pinned, dry_run=dry_run, force=prepared.forced)
        except KubeConflict as error:
            found = _OTHERS.search(str(error))
            if found is None and prepared.there is not None:
                raise _Moved(str(error)) from error
            if found is None:
                raise KubeConflict(
                    f"Somebody made grant {prepared.path} meanwhile, so nothing was written. Use "
                    "another --name, or run this again to replace it."
                ) from error
            raise KubeConflict(
                f"Grant {prepared.path} is there, and {found[1]} keeps its {found[2]}. Use another "
                "--name, or change it there."
            ) from error

    def _unedited(self, prepared: Prepared, error: "_Moved") -> Mapping[str, Any]:
        """The grant as it is now, where nobody edited it since: a status is the operator's.

        Raises KubeConflict elsewhere.
        """
        before, ask = prepared.there or {}, prepared.ask
        now = self.cluster.get(Resource.GRANTS, namespace=ask.namespace, name=ask.name)
        if now is None or now["metadata"]["uid"] != before["metadata"]["uid"]:
            done = "deleted" if now is None else "replaced"
            raise KubeConflict(
                f"Somebody {done} grant {prepared.path} meanwhile, so nothing was written. Run "
                "this again if it should still let in."
            ) from error
        self._check(ask, now)
        if now["spec"] != before["spec"]:
            raise KubeConflict(
                f"Somebody changed grant {prepared.path} meanwhile, so nothing was written. Look "
                f"at it with kubectl get aag -n {ask.namespace} {ask.name} -o yaml, then run this "
                "again."
            ) from error
        return now

    def _check(self, ask: Ask, there: Mapping[str, Any]) -> None:
        grant = facts(there)
        if grant.tracked:
            raise KubeConflict(
                f"Grant {grant.path} is tracked by {grant.tracked}, which would undo the change. "
                "Change it in Git, or use another --name."
            )
        if grant.deleting is not None:
            raise KubeConflict(
                f"Grant {grant.path} is being deleted. Wait until it is gone, or use "
                "another --name."
            )
        if grant.target_name != ask.target and not self.chosen:
            other = f"for {quoted(grant.target_name)}" if grant.target_name else "by labels"
            raise KubeConflict(
                f"Grant {grant.path} is there {other}, and not for {ask.target}. Give this one a "
                f"--name, such as {ask.name}-{ask.target}."
            )
        if grant.revoked and not self.again:
            raise KubeConflict(
                f"Grant {grant.path} was revoked. --again lets it in again; or use another --name."
            )


def _ours(there: Mapping[str, Any]) -> bool:
    """Whether commands alone wrote the spec: `extend` and `revoke` do so by patches, and the API
    server takes those for another writer than an apply.
    """
    managers = {
        each.get("manager")
        for each in there["metadata"].get("managedFields", [])
        if "f:spec" in each.get("fieldsV1", {})
    }
    return managers == {FIELD_MANAGER}


def _pinned(manifest: Mapping[str, Any], *, to: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The manifest for this very grant as it was read, and for no later one; None = a new one."""
    metadata = to["metadata"] if to is not None else {"resourceVersion": NOT_THERE}
    read = {key: metadata[key] for key in ("uid", "resourceVersion") if key in metadata}
    return {**manifest, "metadata": {**manifest["metadata"], **read}}


class _Moved(KubeConflict):
    """The grant is another one than was looked at."""
