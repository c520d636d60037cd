"""`aks-access grant`: access for some hours, as a file for a pull request or for kubectl.

Whoever lacks access often cannot reach the management cluster either, so nothing is contacted.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from aks_access.api.cel import DNS_NAME_PATTERN
from aks_access.api.ranges import MIN_GRANT_PREFIX, IPv4Range, RangeError, parse_public
from aks_access.cli.ask import Addresses, Ask, Destination, Given, as_yaml
from aks_access.cli.documents import documents
from aks_access.cli.findings import Finding, Level
from aks_access.cli.flags import Length, Time
from aks_access.cli.folder import Folder
from aks_access.cli.inputs import contents
from aks_access.cli.judging import Surrounding, asked, judged
from aks_access.cli.surroundings import Surroundings, surroundings
from aks_access.exits import ExitCode
from aks_access.plan.wording import instant, sentence


class Range(click.ParamType[IPv4Range]):
    """A public IPv4 range that a grant may ask for."""

    name = "cidr"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> IPv4Range:
        """The range."""
        if isinstance(value, IPv4Range):
            return value
        try:
            return parse_public(str(value), min_prefix=MIN_GRANT_PREFIX)
        except RangeError as error:
            self.fail(sentence(str(error)), param, ctx)


class Name(click.ParamType[str]):
    """An object's name."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name."""
        text = str(value)
        if len(text) > 253 or not re.fullmatch(DNS_NAME_PATTERN.strip("^$"), text, re.ASCII):
            self.fail(
                f"{text!r} is no name; use lower-case letters, digits, hyphens and dots.",
                param,
                ctx,
            )
        return text


@dataclass(frozen=True, slots=True)
class Printed:
    """Writes the grant to standard output, as yaml or json."""

    form: str

    def deliver(self, ask: Ask) -> Sequence[str]:
        """The manifest."""
        manifest = ask.manifest()
        if self.form == "json":
            return [json.dumps(manifest, indent=2, ensure_ascii=False)]
        return [as_yaml(manifest).rstrip("\n")]


@click.command("grant")
@click.argument("target", type=Name())
@click.option(
    "--ip",
    "named",
    metavar="CIDR",
    type=Range(),
    multiple=True,
    required=True,
    help="An address or network as the internet sees it; may be given again.",
)
@click.option("--for", "length", type=Length(days=True), help="How long, from now, like 4h.")
@click.option("--until", type=Time(), help="Until when, like 2026-11-22T18:00:00Z.")
@click.option("--reason", required=True, help="Why access is needed.")
@click.option("--ticket", default="", help="The ticket that belongs to it.")
@click.option("--requested-by", default="", help="Who asks, such as a mail address.")
@click.option(
    "--namespace", "-n", type=Name(), help="The team's; absent: the GitOps tool's choice."
)
@click.option("--name", type=Name(), help="Of the grant; absent: user-host.")
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write DIR/NAME.yaml, or bring that one up to date.",
)
@click.option("--output", "-o", "form", type=click.Choice(["yaml", "json"]), help="Print it.")
@click.option(
    "--targets",
    metavar="FILE",
    multiple=True,
    help="Targets, range sets and namespaces to judge it by first, as validate does.",
)
@click.pass_context
def grant(
    ctx: click.Context,
    *,
    target: str,
    named: tuple[IPv4Range, ...],
    length: timedelta | None,
    until: datetime | None,
    reason: str,
    ticket: str,
    requested_by: str,
    namespace: str | None,
    name: str | None,
    out: Path | None,
    form: str | None,
    targets: tuple[str, ...],
) -> None:
    """Write a grant that lets addresses in to TARGET, until a fixed time.

    Nothing is contacted: commit the file, or give it to kubectl apply. The same name again is the
    same grant with other addresses and another end.

    Exit codes: 0 written, 1 denied by --targets, 2 wrong usage.
    """
    machine = surroundings()
    destination = _destination(out=out, form=form)
    addresses: Addresses = Given(named)
    ask = Ask(
        name=name or machine.own_name(),
        namespace=namespace or "",
        target=target,
        ranges=tuple(addresses.ranges()),
        ends=_end(length=length, until=until, now=machine.now()),
        reason=reason,
        ticket=ticket,
        requested_by=requested_by,
    )
    denied = _denied(ask, targets=targets, machine=machine)
    if denied:
        for each in denied:
            click.echo(f"{ctx.command_path}: {each.rule}: {each.message}", err=True)
        ctx.exit(ExitCode.FAILED)
    for line in destination.deliver(ask):
        click.echo(line)


def _destination(*, out: Path | None, form: str | None) -> Destination:
    if out is not None and form is None:
        return Folder(out)
    if form is not None and out is None:
        return Printed(form)
    raise click.UsageError(
        "Say where to, once: --out DIR writes a file, -o yaml prints it (| kubectl apply -f -)."
    )


def _end(*, length: timedelta | None, until: datetime | None, now: datetime) -> datetime:
    if length is not None and until is None:
        return now + length
    if until is None or length is not None:
        raise click.UsageError("Say when access ends, once: --for 4h, or --until a time.")
    if until <= now:
        raise click.UsageError(f"--until {instant(until)} is over; name a later time.")
    return until


def _denied(ask: Ask, *, targets: tuple[str, ...], machine: Surroundings) -> list[Finding]:
    """What the operator would refuse, as far as the files tell."""
    if not targets:
        return []
    known = Surrounding()
    known.add(contents(targets, stdin=machine.stdin).documents)
    written = documents(as_yaml(ask.manifest()), source=ask.name)
    grants = asked(written, namespace=ask.namespace, changed=None)
    found = judged(grants, known=known, now=machine.now(), changed=None)
    return [each for each in found if each.level is Level.ERROR]
