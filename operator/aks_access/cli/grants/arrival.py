"""What `grant` and `extend` do after the write: wait until access is there, and prove it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click

from aks_access.api.duration import format_duration
from aks_access.cli.grants.present import found
from aks_access.cli.grants.proving import ENFORCED, Prover, nameless, servers
from aks_access.cli.grants.waiting import End, Outcome, Wait, let_in, status
from aks_access.cli.grants.writes import Wishes, shown
from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.surroundings import Surroundings
from aks_access.cli.terminal.saying import complain, say
from aks_access.errors import NameUnresolved, NoAnswer
from aks_access.exits import ExitCode
from aks_access.plan.wording import listed, sentence


@dataclass(slots=True)
class Arrival:
    """How far it came.

    Attributes:
        reached: what is done, to be said behind the write.
        problem: why the rest is not; "" = access is there.
        code: what the command ends with where there is a problem.
    """

    reached: list[str]
    problem: str = ""
    code: ExitCode = ExitCode.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Follows grants from `began`, by the machine's `clock`, for at most `limit`.

    Attributes:
        proves: ask the API servers from here.
        tell: takes lines about what it waits for.
    """

    cluster: Cluster
    machine: Surroundings
    limit: timedelta
    began: float
    proves: bool
    tell: Callable[[str], None]

    def followed(self, raw: Mapping[str, Any]) -> Arrival:
        """The end of the way of a grant that was just written."""
        namespace, name = raw["metadata"]["namespace"], raw["metadata"]["name"]
        until = self.began + self.limit.total_seconds()
        wait = Wait(cluster=self.cluster, machine=self.machine, until=until, tell=self.tell)
        end = wait.end(namespace=namespace, name=name, judge=let_in)
        match end.outcome:
            case Outcome.REACHED:
                arrival = Arrival([f"in Azure after {self._seconds()} s"])
            case Outcome.OBSERVED:
                arrival = Arrival([], end.said)
            case _:
                return Arrival(
                    [], late(end, path=f"{namespace}/{name}", place="in Azure", limit=self.limit)
                )
        if self.proves:
            self._prove(arrival, raw=raw, until=until, observed=end.outcome is Outcome.OBSERVED)
        return arrival

    def _prove(
        self, arrival: Arrival, *, raw: Mapping[str, Any], until: float, observed: bool
    ) -> None:
        """Ask from here. Where nothing is written, whether the caller gets in anyway decides."""
        known = list(servers(self.cluster, self._targets(raw)))
        for each in known:
            if each.problem:
                self.tell(f"The API server of {each.target} was not asked: {each.problem}.")
        hosts = [each.host for each in known if each.host]
        if not hosts:
            return
        began = self.machine.clock()
        prover = Prover(machine=self.machine, until=until, tell=self.tell)
        silent = prover.silent(hosts, once=observed)
        if silent and observed:
            return
        if silent:
            waited = self.machine.clock() - began
            arrival.problem = _unproved(silent, waited=waited, raw=raw)
            arrival.code = ExitCode.UNREACHABLE if nameless(silent) else ExitCode.FAILED
            return
        if observed:
            self.tell(f"warning: {arrival.problem}")
            arrival.problem = ""
        who = "API server" if len(hosts) == 1 else f"{len(hosts)} API servers"
        arrival.reached.append(f"{who} answered after {self._seconds()} s")

    def _targets(self, raw: Mapping[str, Any]) -> list[str]:
        """The target that is named; of a selector, those that the status names."""
        named = raw["spec"].get("targetRef", {}).get("name")
        if named:
            return [named]
        metadata = raw["metadata"]
        there = found(self.cluster, namespace=metadata["namespace"], name=metadata["name"])
        return [each.name for each in status(there).targets]

    def _seconds(self) -> int:
        return round(self.machine.clock() - self.began)


def _unproved(silent: Mapping[str, NoAnswer], *, waited: float, raw: Mapping[str, Any]) -> str:
    told = "; ".join(f"{host} does not answer from here ({why})" for host, why in silent.items())
    if nameless(silent):
        return (
            f"It is in Azure, but {told}: the name has no address in your DNS, and no list brings "
            "one. A private cluster's is in a private DNS zone: use a network that the zone is "
            "linked to, or go by the proxy that you reach it by: HTTPS_PROXY."
        )
    if all(isinstance(why, NameUnresolved) for why in silent.values()):
        return f"It is in Azure, but {told}: your DNS does not tell its address. Mend that first."
    if waited < ENFORCED:
        return f"It is in Azure, but {told}: not yet, AKS takes up to two minutes to enforce it."
    asked = listed(raw["spec"].get("ipRanges", []))
    return (
        f"It is in Azure, but {told}: blocked. You leave by another address than {asked}, or a "
        "firewall stops you. `aks-access explain --my-ip` tells whether you should get in; "
        "--no-probe is for grants to others."
    )


def late(end: End, *, path: str, place: str, limit: timedelta) -> str:
    """Why the wait for a grant to be `place` ended without that."""
    namespace, _, name = path.partition("/")
    match end.outcome:
        case Outcome.GONE:
            return f"Grant {path} was deleted meanwhile."
        case Outcome.LATE:
            return (
                f"Grant {path} is not {place} after {format_duration(limit)}: {sentence(end.said)} "
                f"Look again with kubectl get aag -n {namespace} {name}; the operator goes on."
            )
        case _:
            return end.said


def finish(
    ctx: click.Context,
    raw: Mapping[str, Any],
    *,
    line: str,
    wishes: Wishes,
    cluster: Cluster,
    machine: Surroundings,
    began: float,
) -> None:
    """Say what was written and how far it came; a problem ends the command.

    `began` is when it was written, by the machine's `clock`. A form shows the object in the line's
    place; how far it came goes to standard error then.
    """
    form, limit = wishes.form, wishes.limit
    if limit is None:
        click.echo(shown([raw], form=form) if form else line)
        return
    following = Following(
        cluster=cluster,
        machine=machine,
        limit=limit,
        began=began,
        proves=wishes.proves,
        tell=say,
    )
    arrival = Arrival([])
    try:
        arrival = following.followed(raw)
    finally:  # also where the person waits no longer: the write stands
        whole = " · ".join([line, *arrival.reached])
        if form:
            say(whole)
        click.echo(shown([raw], form=form) if form else whole)
    if arrival.problem:
        complain(arrival.problem)
        ctx.exit(arrival.code)
