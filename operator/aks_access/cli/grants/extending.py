"""How `extend` gives a grant another end: only the grant that was looked at, and judged before.

Imported while kubectl asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import click

from aks_access.api.duration import format_duration
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.files.findings import Finding
from aks_access.cli.files.remedies import of_extend
from aks_access.cli.grants.around import Looked, Raw
from aks_access.cli.grants.arrival import finish
from aks_access.cli.grants.present import answered, denials, facts
from aks_access.cli.grants.waiting import status
from aks_access.cli.grants.writes import Wishes, dry, moment, refuse, said_name
from aks_access.cli.hub.cluster import DryRun, Resource
from aks_access.cli.surroundings import Surroundings
from aks_access.errors import KubeConflict
from aks_access.plan.model import Grant
from aks_access.plan.wording import instant

_TRIES: Final = 5
"""How often a grant may change under the edit: its status does, when it is new."""


def extend(ctx: click.Context, edit: "Edit", *, machine: Surroundings, wishes: Wishes) -> None:
    """Make the edit and tell how far it came."""
    began = machine.clock()
    done = edit.made(dry_run=wishes.dry_run)
    refuse(ctx, done.denied)
    until_then = f"until {moment(edit.ends, now=edit.now)} ({done.before})"
    line = f"{said_name(edit.name)}  {done.verb}{dry(wishes.dry_run)}, {until_then}"
    reached = edit.looked.cluster
    finish(ctx, done.raw, line=line, wishes=wishes, cluster=reached, machine=machine, began=began)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an edit: the object, what it was before, or why it was denied."""

    raw: Raw
    verb: str
    before: str
    denied: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Another end, written only onto the grant that was looked at."""

    looked: Looked
    name: str
    now: datetime
    ends: datetime
    shorten: bool

    def made(self, *, dry_run: DryRun) -> Done:
        """Make it. Raises KubeConflict where the grant is not to be edited here."""
        looked = self.looked
        for _ in range(_TRIES - 1):
            try:
                return self._tried(looked, dry_run=dry_run)
            except _Moved:
                looked = Looked.ask(looked.cluster, namespace=looked.namespace(), name=self.name)
        return self._tried(looked, dry_run=dry_run)

    def _tried(self, looked: Looked, *, dry_run: DryRun) -> Done:
        raw = answered(looked.there(), namespace=looked.namespace(), name=self.name)
        grant = facts(raw)
        before = self._checked(grant, raw)
        denied = denials(self._outcome(raw), around=looked.around, now=self.now, advice=of_extend)
        if denied:
            return Done(raw, *before, denied)
        change = {
            "metadata": {"resourceVersion": raw["metadata"]["resourceVersion"]},
            "spec": {"expiresAt": format_timestamp(self.ends), "duration": None},
        }
        return Done(self._patch(grant, change, dry_run=dry_run), *before)

    def _outcome(self, raw: Raw) -> dict[str, Any]:
        """The object as it will be: what is written is written onto this one, or not at all."""
        spec = {**raw["spec"], "expiresAt": format_timestamp(self.ends)}
        spec.pop("duration", None)
        metadata = dict(raw["metadata"])
        if spec != raw["spec"]:
            metadata["generation"] = metadata.get("generation", 1) + 1  # as the API server counts
        return {**raw, "metadata": metadata, "spec": spec}

    def _patch(self, grant: Grant, change: Mapping[str, Any], *, dry_run: DryRun) -> dict[str, Any]:
        try:
            return self.looked.cluster.patch(
                Resource.GRANTS,
                namespace=grant.namespace,
                name=grant.name,
                change=change,
                dry_run=dry_run,
            )
        except KubeConflict as error:
            raise _Moved(
                f"Grant {grant.path} changed again and again meanwhile; try once more."
            ) from error

    def _checked(self, grant: Grant, raw: Mapping[str, Any]) -> tuple[str, str]:
        """What is done, and what its end is so far.

        Raises KubeConflict where it is not to be edited here.
        """
        later = format_timestamp(self.ends)
        if grant.tracked:
            raise KubeConflict(
                f"Grant {grant.path} is tracked by {grant.tracked}, which would undo this. Set "
                f"expiresAt: {later} in Git."
            )
        if grant.deleting is not None:
            raise KubeConflict(
                f"Grant {grant.path} is being deleted. Ask for a new one: aks-access grant."
            )
        if grant.revoked:
            raise KubeConflict(
                f"Grant {grant.path} was revoked, and another end does not change that. "
                "aks-access grant … --again lets it in again."
            )
        return self._before(grant, raw)

    def _before(self, grant: Grant, raw: Mapping[str, Any]) -> tuple[str, str]:
        known = status(raw).expires_at
        ends = grant.expires_at or known
        if ends is None and grant.duration is not None:
            return "extended", f"was {format_duration(grant.duration)} from its start"
        if ends is None and not self.shorten:
            raise KubeConflict(
                f"Grant {grant.path} has no end. --shorten lets it end at "
                f"{format_timestamp(self.ends)}."
            )
        if ends is None:
            return "shortened", "had no end"
        if ends > self.ends and not self.shorten:
            raise KubeConflict(
                f"Grant {grant.path} ends at {instant(ends)}, which is later than "
                f"{instant(self.ends)}. --shorten lets it end then."
            )
        verb = "shortened" if ends > self.ends else "extended"
        return verb, f"{'ended' if ends <= self.now else 'was'} {moment(ends, now=self.now)}"


class _Moved(KubeConflict):
    """The grant is another one than was looked at."""
