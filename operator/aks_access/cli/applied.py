"""A grant applied to the management cluster, where nobody else's is in its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aks_access.api.ranges import quoted
from aks_access.cli.ask import Ask
from aks_access.cli.cluster import FIELD_MANAGER, Cluster, DryRun
from aks_access.cli.present import facts
from aks_access.errors import KubeConflict

_OTHERS: Final = re.compile(r'conflicts? with "([^"]+)"[^:]*: (\S+)')


@dataclass(frozen=True, slots=True)
class Prepared:
    """An apply that may be made.

    Attributes:
        manifest: what is applied.
        outcome: the object as it will be, with the status of the one that is there.
        forced: the fields that it takes over were written by this command's like alone.
    """

    manifest: Mapping[str, Any]
    outcome: Mapping[str, Any]
    forced: bool = False


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
            return Prepared(manifest, manifest)
        self._check(ask, there)
        if facts(there).revoked:
            manifest["spec"]["revoked"] = False
        forced = _ours(there)
        outcome = self._apply(manifest, dry_run=DryRun.SERVER, forced=forced)
        return Prepared(manifest, outcome, forced)

    def apply(self, prepared: Prepared, *, dry_run: DryRun = DryRun.NONE) -> dict[str, Any]:
        """Make it so. Raises KubeConflict where a field is somebody else's."""
        return self._apply(prepared.manifest, dry_run=dry_run, forced=prepared.forced)

    def _apply(
        self, manifest: Mapping[str, Any], *, dry_run: DryRun, forced: bool
    ) -> dict[str, Any]:
        try:
            return self.cluster.apply(manifest, dry_run=dry_run, force=forced)
        except KubeConflict as error:
            found = _OTHERS.search(str(error))
            if found is None:
                raise
            path = f"{manifest['metadata']['namespace']}/{manifest['metadata']['name']}"
            raise KubeConflict(
                f"Grant {path} is there, and {found[1]} keeps its {found[2]}. Use another --name, "
                "or change it there."
            ) from error

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
