"""`aks-access explain`: why an address gets in or does not, and why a grant works or does not."""

import json
import os
import re
from collections.abc import Sequence
from typing import Final

import click

from aks_access.api.names import PLURALS, SHORT_NAMES, Kind
from aks_access.api.ranges import IPv4Range, RangeError
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.hub.together import Asked
from aks_access.cli.internet.own_address import OwnAddress, asking
from aks_access.cli.options.completing import grants as complete_grants
from aks_access.cli.options.completing import namespaces as complete_namespaces
from aks_access.cli.options.completing import targets as complete_targets
from aks_access.cli.options.kinds import Namespace, OneOf
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.reports import looking
from aks_access.cli.surroundings import surroundings
from aks_access.cli.terminal.saying import say
from aks_access.errors import KubeNotFound
from aks_access.exits import ExitCode

_NUMBERS: Final = re.compile(r"[0-9./]+|.*:.*", re.ASCII)
"""What is meant to be an address; a grant of such a name is `grant/NAME`."""

_PREFIXES: Final = tuple(
    f"{word}/"
    for word in ("grant", Kind.GRANT.value.lower(), PLURALS[Kind.GRANT], SHORT_NAMES[Kind.GRANT])
)


def _first(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Grants; beside --my-ip targets."""
    complete = complete_targets if ctx.params.get("my_ip") else complete_grants
    return complete(ctx, param, incomplete)


@click.command("explain")
@click.argument("what", metavar="[IP|CIDR|GRANT]", required=False, shell_complete=_first)
@click.argument("names", metavar="[TARGET]…", nargs=-1, shell_complete=complete_targets)
@asking
@click.option(
    "--namespace",
    "-n",
    type=Namespace(),
    help="Of the grant; with an address: look at the grants of this one only.",
    shell_complete=complete_namespaces,
)
@click.option("--output", "-o", "form", type=OneOf(["json"]), help="Another form.")
@reaching
@click.pass_context
def explain(
    ctx: click.Context,
    *,
    what: str | None,
    names: tuple[str, ...],
    my_ip: bool,
    services: tuple[str, ...],
    namespace: str | None,
    form: str | None,
) -> None:
    """Why an address gets in to TARGET, or to each target; or why a grant lets in or does not.

    With an IP or CIDR: the entries of each cluster's list that hold it, whose they are and until
    when; and the grants that ask for it and are not let in, each with the operator's reason.
    --my-ip stands for your own address. With GRANT (a name, grant/NAME or NAMESPACE/NAME): its
    conditions, and what to do next.

    Exit codes: 0 allowed on every target, or the grant is let in; 1 not so, or not known, or there
    is no such target or grant; 2 wrong usage, 3 the management cluster cannot be reached.
    """
    if my_ip:
        names = (what, *names) if what else names
        wanted: IPv4Range | None = _own(services, beside=names)
    elif what is None:
        raise click.UsageError("Say what to explain: an address, a GRANT, or --my-ip.")
    else:
        wanted = _address(what)
    if wanted is not None:
        allowed = _address_explained(wanted, names=names, namespace=namespace or "", form=form)
    elif names:
        raise click.UsageError(
            f"{what} is no address, so it is a grant's name, and a grant says itself which targets "
            f"it is for: leave out {names[0]}."
        )
    else:
        allowed = _grant_explained(str(what), namespace=namespace, form=form)
    ctx.exit(ExitCode.OK if allowed else ExitCode.FAILED)


def _own(services: Sequence[str], *, beside: Sequence[str]) -> IPv4Range:
    """This machine's address on the internet; `beside` are targets."""
    given = next((each for each in beside if _NUMBERS.fullmatch(each)), None)
    if given is not None:
        raise click.UsageError(f"--my-ip and {given} are both given; keep one.")
    own = OwnAddress(
        services=services,
        web=surroundings().web,
        tell=say,
        environment=os.environ,
        by="explain IP",
    )
    [address] = own.ranges()
    return address


def _address(text: str) -> IPv4Range | None:
    """The address; None where the text is a name."""
    if not _NUMBERS.fullmatch(text):
        return None
    try:
        return IPv4Range.parse(text)
    except RangeError as error:
        raise click.BadParameter(f"{error}.", param_hint="IP|CIDR|GRANT") from error


def _address_explained(
    wanted: IPv4Range, *, names: Sequence[str], namespace: str, form: str | None
) -> bool:
    reached, now = cluster(), surroundings().now()
    raws = Asked(lambda: looking.targets(reached, names))
    listed = Asked(lambda: looking.grants(reached, namespace=namespace))
    from aks_access.cli.reports import answers  # while kubectl asks

    report = answers.report(raws(), found=listed(), reached=reached, wanted=wanted, now=now)
    if form == "json":
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        answers.show(report, now=now)
    return report.allowed


def _grant_explained(what: str, *, namespace: str | None, form: str | None) -> bool:
    place, name = _named(what, namespace=namespace)
    reached = cluster()
    place = place or reached.namespace()
    raw = Asked(lambda: reached.get(Resource.GRANTS, namespace=place, name=name))
    from aks_access.cli.reports import standing  # while kubectl asks

    found = raw()
    if found is None:
        raise KubeNotFound(
            f'No grant "{name}" in namespace {place}. Another namespace: -n NAMESPACE; '
            f"those there are: `kubectl get aag -n {place}`."
        )
    if form == "json":
        click.echo(json.dumps(standing.as_json(found), indent=2, ensure_ascii=False))
    else:
        standing.show(found)
    return standing.let_in(found)


def _named(what: str, *, namespace: str | None) -> tuple[str, str]:
    """Namespace ("" = the context's) and name."""
    for prefix in _PREFIXES:
        if what.startswith(prefix):
            return namespace or "", what.removeprefix(prefix)
    place, slash, name = what.partition("/")
    if not slash:
        return namespace or "", what
    if namespace not in (None, place):
        raise click.UsageError(f"{what} is in namespace {place}, and -n says {namespace}.")
    return place, name
