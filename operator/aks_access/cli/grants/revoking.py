"""How `revoke` takes access away, and tells what came of it.

Imported while kubectl asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from aks_access.api.reasons import GrantReason
from aks_access.cli.grants.arrival import late
from aks_access.cli.grants.present import answered, facts
from aks_access.cli.grants.waiting import Outcome, Wait, status, taken_out
from aks_access.cli.grants.writes import dry, moment, said_name, shown
from aks_access.cli.hub.cluster import Cluster, DryRun, Resource
from aks_access.cli.surroundings import Surroundings
from aks_access.cli.terminal.saying import complain, say
from aks_access.errors import KubeError

Read = Callable[[], Mapping[str, Any] | None]


def revoke(
    revoker: "Revoker",
    *,
    reads: Mapping[str, Read],
    dry_run: DryRun,
    form: str | None,
) -> bool:
    """Revoke the grants that `reads` reads, each by name; whether all came to its end.

    Whatever ends this early, Ctrl-C as well, what was written is told.
    """
    good = True
    done: list[Done] = []
    said = 0
    try:
        for name, read in reads.items():
            try:
                done.append(revoker.revoked(name, there=read(), dry_run=dry_run))
            except KubeError as error:
                complain(str(error))
                good = False
        for each in done:
            gone, problem = revoker.gone(each)
            if gone or not form:
                click.echo(f"{each.line}{gone}", err=form is not None)
            said += 1
            if problem:
                complain(problem)
                good = False
    finally:
        if form and done:
            click.echo(shown([each.raw for each in done], form=form, as_list=len(reads) > 1))
        for each in done[said:] if not form else ():
            click.echo(each.line)
    return good


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one: the object as it is then, and the line about it."""

    raw: Mapping[str, Any]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoker:
    """Revokes grants; `limit` is how long it then waits for them to be out, None = not at all."""

    cluster: Cluster
    namespace: str
    machine: Surroundings
    began: float
    limit: timedelta | None

    def revoked(self, name: str, *, there: Mapping[str, Any] | None, dry_run: DryRun) -> Done:
        """Patch what is there, unless it has ended. Raises KubeError."""
        raw = answered(there, namespace=self.namespace, name=name)
        grant = facts(raw)
        if grant.tracked:
            say(f"warning: {grant.path} is tracked by {grant.tracked}: remove it from Git too.")
        ended = _ended(raw, now=self.machine.now())
        if ended is not None:
            when = moment(ended, now=self.machine.now())
            return Done(raw, f"{said_name(name)}  ended already, {when}")
        if grant.revoked:
            return Done(raw, f"{said_name(name)}  revoked already")
        made = self.cluster.patch(
            Resource.GRANTS,
            namespace=self.namespace,
            name=name,
            change={"spec": {"revoked": True}},
            dry_run=dry_run,
        )
        return Done(made, f"{said_name(name)}  revoked{dry(dry_run)}")

    def gone(self, done: Done) -> tuple[str, str]:
        """Wait until it is out of Azure: what to add to its line, and what is wrong."""
        if self.limit is None:
            return "", ""
        namespace, name = self.namespace, done.raw["metadata"]["name"]
        until = self.began + self.limit.total_seconds()
        wait = Wait(cluster=self.cluster, machine=self.machine, until=until, tell=say)
        end = wait.end(namespace=namespace, name=name, judge=taken_out)
        if end.outcome not in (Outcome.REACHED, Outcome.GONE):
            return "", late(end, path=f"{namespace}/{name}", place="out of Azure", limit=self.limit)
        if "Closed, but" in end.said:
            say(f"warning: {end.said}")
        return f" · out of Azure after {round(self.machine.clock() - self.began)} s", ""


def _ended(raw: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """When the grant's time was over, where the operator has said so."""
    known = status(raw)
    expired = any(each.reason == GrantReason.EXPIRED for each in known.conditions)
    ends = known.expires_at or known.closed_at
    return ends if expired and ends is not None and ends <= now else None
