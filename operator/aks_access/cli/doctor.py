"""`aks-access doctor`: looks at everything that access depends on, and says what is wrong."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from aks_access.api.arm import ArmId
from aks_access.cli.checks.checkup import Checked, Grade, failed, show
from aks_access.cli.checks.hub import checks_hub
from aks_access.cli.checks.ledgers import checks_ledgers
from aks_access.cli.checks.targets import checks_target
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.hub.installed import installed
from aks_access.cli.options.flags import cluster_id
from aks_access.cli.options.kinds import operator_namespace, text_or_json
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings
from aks_access.errors import AzureError, KubeError, KubeNotFound, StartupError
from aks_access.exits import ExitCode
from aks_access.plan.model import Target
from aks_access.plan.wording import listed, sentence
from aks_access.projection import project_target

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

Wanted = tuple[str, str, Target | None]
"""A cluster to ask Azure about: what it is called, its ARM id, and its target."""


@click.command("doctor")
@click.argument("what", metavar="[TARGET…|RESOURCE_ID…]", nargs=-1)
@click.option("--azure", "asks_azure", is_flag=True, help="Ask Azure as well, as who `az` is.")
@operator_namespace
@text_or_json
@reaching
@click.pass_context
def doctor(
    ctx: click.Context,
    *,
    what: tuple[str, ...],
    asks_azure: bool,
    operator_namespace: str,
    form: str,
) -> None:
    """Look at everything that access depends on, and say what is wrong and what to do.

    The management cluster, the operator, its ledgers and rights, and the TARGETs (all, where none
    is named). With --azure also each cluster: rights, locks, and ways past its list; given
    RESOURCE_IDs, Azure alone. Nothing is written, and so nothing here proves that a write works.

    Exit codes: 0 nothing failed, 1 something did, 2 wrong usage, 3 the management cluster or Azure
    cannot be reached.
    """
    ids = [each for each in what if each.startswith("/")]
    for each in ids:
        cluster_id(each)
    if ids and len(ids) != len(what):
        raise click.UsageError(
            "Give either TARGETs or RESOURCE_IDs, which Azure alone is asked about."
        )
    if ids:
        asks_azure = True
    found: list[Checked] = []
    wanted: list[Wanted] = [(ArmId.parse(each).name, each, None) for each in ids]
    if not ids:
        targets = _hub(found, names=what, namespace=operator_namespace)
        wanted = [(t.name, t.resource_id, t) for t in targets if not t.problems]
    if asks_azure:
        found += _azure(wanted)
    found = list(dict.fromkeys(found))  # the status and Azure may say the same of a cluster
    if form == "json":
        click.echo(json.dumps([each.json() for each in found], indent=2))
    else:
        show(found)
    is_bad = any(each.grade is Grade.FAIL for each in found)
    ctx.exit(ExitCode.FAILED if is_bad else ExitCode.OK)


def _hub(found: list[Checked], *, names: Sequence[str], namespace: str) -> list[Target]:
    """Look at the management cluster; returns the targets that are asked about."""
    hub, now = cluster(), surroundings().now()
    hub.version()  # one that cannot be reached is an error of its own, and no list of failures
    operator = installed(hub, namespace=namespace)
    found += checks_hub(hub, operator=operator, namespace=namespace, now=now)
    try:
        raws = hub.all(Resource.TARGETS)
    except StartupError:
        raise
    except KubeError as error:
        found.append(failed("targets", f"cannot be read: {sentence(str(error))}"))
        return []
    targets = {each.name: each for each in map(project_target, raws)}
    unknown = [name for name in names if name not in targets]
    if unknown:
        there = listed(sorted(targets)) or "none"
        raise KubeNotFound(f'No target "{unknown[0]}". There are: {there}.')
    chosen = [targets[name] for name in dict.fromkeys(names)] or list(targets.values())
    held = {each.name: each for each in chosen} if names else targets
    found += checks_ledgers(hub, targets=held, namespace=namespace, now=now, every=not names)
    found += _targets(chosen)
    return chosen


def _targets(targets: Sequence[Target]) -> Iterator[Checked]:
    for target in targets:
        yield from checks_target(target)


def _azure(wanted: Sequence[Wanted]) -> list[Checked]:
    from aks_access.cli.azure.session import with_azure
    from aks_access.cli.checks.azure import checks_azure

    async def ask(reads: "ArmReads") -> list[Checked]:
        return await checks_azure(reads, wanted)

    try:
        return with_azure(ask)
    except (StartupError, AzureError) as error:
        return [failed("Azure", sentence(str(error)))]
