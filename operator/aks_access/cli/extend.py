"""`aks-access extend`: another end for a grant that is on the management cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from aks_access.api.duration import format_duration
from aks_access.api.timestamps import format_timestamp
from aks_access.cli.arrival import Following, finish
from aks_access.cli.cluster import Cluster, DryRun, Resource
from aks_access.cli.findings import Finding
from aks_access.cli.flags import GrantName, Length, Name, Time, end
from aks_access.cli.present import denials, facts, found
from aks_access.cli.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings
from aks_access.cli.waiting import status
from aks_access.cli.writes import (
    dry,
    dry_run,
    moment,
    output,
    probing,
    refuse,
    said_name,
    say,
    waiting,
)
from aks_access.errors import KubeConflict
from aks_access.plan.model import Grant
from aks_access.plan.wording import instant

_TRIES: Final = 5
"""How often a grant may change under the edit: its status does, when it is new."""


@click.command("extend")
@click.argument("name", type=GrantName())
@click.option("--for", "length", type=Length(days=True), help="How long, from now, like 2h.")
@click.option("--until", type=Time(), help="Until when, like 2026-11-22T18:00:00Z.")
@click.option("--shorten", is_flag=True, help="Also where it ends later, or never.")
@click.option("--namespace", "-n", type=Name(), help="Of the grant; absent: the context's.")
@waiting("Wait until it is in Azure, then until the API server answers here.")
@probing
@dry_run
@output("The grant as it is then, or its name.")
@reaching
@click.pass_context
def extend(
    ctx: click.Context,
    *,
    name: str,
    length: timedelta | None,
    until: datetime | None,
    shorten: bool,
    namespace: str | None,
    wait: bool,
    timeout: timedelta,
    no_probe: bool,
    dry_run: DryRun,
    form: str | None,
) -> None:
    """Let the grant NAME end later: so long from now, or at a time.

    A grant that is over is let in again. One that a GitOps tool tracks is refused: that tool would
    undo it.

    Exit codes: 0 done, 1 denied, or --wait ended without access, 2 wrong usage, 3 the management
    cluster cannot be reached.
    """
    machine = surroundings()
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    now = machine.now()
    ends = end(length=length, until=until, now=now)
    hub = cluster()
    began = machine.clock()
    edit = Edit(cluster=hub, now=now, ends=ends, shorten=shorten)
    done = edit.made(namespace=namespace or hub.namespace(), name=name, dry_run=dry_run)
    refuse(ctx, done.denied)
    until_then = f"until {moment(ends, now=now)} ({done.before})"
    line = f"{said_name(name)}  {done.verb}{dry(dry_run)}, {until_then}"
    following = (
        Following(
            cluster=hub, machine=machine, limit=timeout, began=began, proves=not no_probe, tell=say
        )
        if wait
        else None
    )
    finish(ctx, done.raw, line=line, form=form, following=following)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an edit: the object, what it was before, or why it was denied."""

    raw: Mapping[str, Any]
    verb: str
    before: str
    denied: list[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Another end, written only onto the grant that was looked at."""

    cluster: Cluster
    now: datetime
    ends: datetime
    shorten: bool

    def made(self, *, namespace: str, name: str, dry_run: DryRun) -> Done:
        """Make it. Raises KubeConflict where the grant is not to be edited here."""
        for _ in range(_TRIES - 1):
            try:
                return self._tried(namespace=namespace, name=name, dry_run=dry_run)
            except _Moved:
                continue
        return self._tried(namespace=namespace, name=name, dry_run=dry_run)

    def _tried(self, *, namespace: str, name: str, dry_run: DryRun) -> Done:
        raw = found(self.cluster, namespace=namespace, name=name)
        grant = facts(raw)
        before = self._checked(grant, raw)
        change = {
            "metadata": {"resourceVersion": raw["metadata"]["resourceVersion"]},
            "spec": {"expiresAt": format_timestamp(self.ends), "duration": None},
        }
        first = DryRun.CLIENT if dry_run is DryRun.CLIENT else DryRun.SERVER
        outcome = self._patch(grant, change, dry_run=first)
        denied = denials(outcome, cluster=self.cluster, now=self.now)
        if denied or dry_run is not DryRun.NONE:
            return Done(outcome, *before, denied)
        return Done(self._patch(grant, change, dry_run=DryRun.NONE), *before, denied)

    def _patch(self, grant: Grant, change: Mapping[str, Any], *, dry_run: DryRun) -> dict[str, Any]:
        try:
            return self.cluster.patch(
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
