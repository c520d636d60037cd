"""`aks-access revoke`: takes access away at once, and keeps the grant as a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from aks_access.api.conditions import GrantReason
from aks_access.cli.arrival import late
from aks_access.cli.cluster import Cluster, DryRun, Resource
from aks_access.cli.flags import GrantName, Name
from aks_access.cli.present import facts, found
from aks_access.cli.reaching import cluster, reaching
from aks_access.cli.surroundings import Surroundings, surroundings
from aks_access.cli.waiting import Outcome, Wait, status, taken_out
from aks_access.cli.writes import dry, dry_run, moment, output, said_name, say, shown, waiting
from aks_access.errors import KubeError
from aks_access.exits import ExitCode


@click.command("revoke")
@click.argument("names", metavar="NAME…", nargs=-1, required=True, type=GrantName())
@click.option("--namespace", "-n", type=Name(), help="Of the grants; absent: the context's.")
@waiting("Wait until they are out of Azure.")
@dry_run
@output("The grants as they are then, or their names.")
@reaching
@click.pass_context
def revoke(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    namespace: str | None,
    wait: bool,
    timeout: timedelta,
    dry_run: DryRun,
    form: str | None,
) -> None:
    """Take the access of the grants NAME… away, now.

    The objects stay, with spec.revoked. That holds for a grant of a GitOps tool too, and it has to
    go from Git as well.

    Exit codes: 0 done, 1 one of them could not be revoked, or --wait ended before it was out, 2
    wrong usage, 3 the management cluster cannot be reached.
    """
    machine = surroundings()
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    hub = cluster()
    place = namespace or hub.namespace()
    revoking = Revoking(
        cluster=hub,
        machine=machine,
        began=machine.clock(),
        limit=timeout if wait else None,
    )
    failed = False
    done: list[Done] = []
    wanted = dict.fromkeys(names)
    for name in wanted:
        try:
            done.append(revoking.revoked(namespace=place, name=name, dry_run=dry_run))
        except KubeError as error:
            say(f"{ctx.command_path}: {error}")
            failed = True
    if form and done:
        click.echo(shown([each.raw for each in done], form=form, as_list=len(wanted) > 1))
    for each in done:
        gone, problem = revoking.gone(each)
        if not form:
            click.echo(f"{each.line}{gone}")
        elif gone:
            say(f"{each.line}{gone}")
        if problem:
            say(f"{ctx.command_path}: {problem}")
            failed = True
    ctx.exit(ExitCode.FAILED if failed else ExitCode.OK)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one: the object as it is then, and the line about it."""

    raw: Mapping[str, Any]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """Revokes grants; `limit` is how long it then waits for them to be out, None = not at all."""

    cluster: Cluster
    machine: Surroundings
    began: float
    limit: timedelta | None

    def revoked(self, *, namespace: str, name: str, dry_run: DryRun) -> Done:
        """Patch it, unless it has ended. Raises KubeError."""
        raw = found(self.cluster, namespace=namespace, name=name)
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
            namespace=namespace,
            name=name,
            change={"spec": {"revoked": True}},
            dry_run=dry_run,
        )
        return Done(made, f"{said_name(name)}  revoked{dry(dry_run)}")

    def gone(self, done: Done) -> tuple[str, str]:
        """Wait until it is out of Azure: what to add to its line, and what is wrong."""
        if self.limit is None:
            return "", ""
        namespace, name = done.raw["metadata"]["namespace"], done.raw["metadata"]["name"]
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
