"""`aks-access adopt`: clusters as they are in Azure, as targets in mode Observe to look through."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aks_access.api.arm import ArmId
from aks_access.api.names import Kind
from aks_access.api.ranges import quoted
from aks_access.cli.azure.adopting import Found, manifest, names
from aks_access.cli.azure.outbound import node_egress
from aks_access.cli.files.inputs import contents, read_bytes
from aks_access.cli.files.kustomizations import NAMES, with_resource
from aks_access.cli.files.schema import kind_of
from aks_access.cli.files.writing import replace
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.options.flags import cluster_id
from aks_access.cli.options.kinds import FolderPath, Namespace, Source
from aks_access.cli.options.reaching import cluster, is_reached, reaching
from aks_access.cli.surroundings import surroundings
from aks_access.cli.terminal.saying import say
from aks_access.errors import AzureError, InputError
from aks_access.exits import ExitCode
from aks_access.plan.model import cluster_key

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

_AT_ONCE: Final = 8
"""Reads side by side: AKS counts them for each cluster, Azure Resource Manager all together."""

_TOLD_EVERY: Final = 25
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@click.command("adopt")
@click.argument("resource_ids", metavar="[RESOURCE_ID…]", nargs=-1)
@click.option("--subscription", metavar="ID", multiple=True, help="All clusters of a subscription.")
@click.option("--resource-group", metavar="NAME", help="Of the subscription, only this group's.")
@click.option(
    "--out",
    metavar="DIR",
    type=FolderPath(made=True),
    help="Write a file for each, and name it in the folder's kustomization file.",
)
@click.option(
    "--namespace",
    "-n",
    type=Namespace(absent=None),
    multiple=True,
    help="Namespaces that may ask for access; several times.",
)
@click.option(
    "--targets",
    type=Source(),
    metavar="DIR|FILE",
    multiple=True,
    help="Targets that are there already.",
)
@reaching
@click.pass_context
def adopt(
    ctx: click.Context,
    *,
    resource_ids: tuple[str, ...],
    subscription: tuple[str, ...],
    resource_group: str | None,
    out: Path | None,
    namespace: tuple[str, ...],
    targets: tuple[str, ...],
) -> None:
    """Print targets for clusters as they are: mode Observe, the live list as baseline.

    Look them through, then apply them: nothing is written to a cluster until you set another mode.
    Each RESOURCE_ID is a cluster's id in Azure. Clusters are read as who `az login` says. A cluster
    that has a target is passed over: targets are looked for in --out and --targets, and in the
    management cluster that --context or --kubeconfig names. Private clusters are left out, with the
    reason.

    Exit codes: 0 done, 1 some clusters could not be read, 2 wrong usage, 3 Azure cannot be asked.
    """
    _check(resource_ids, subscriptions=subscription, group=resource_group)
    known = _existing(targets, out=out)

    from aks_access.cli.azure.session import with_azure

    async def ask(reads: "ArmReads") -> tuple[list[str], dict[str, Found | AzureError]]:
        ids = list(resource_ids)
        for each in subscription:
            scope = f"/subscriptions/{each}"
            scope += f"/resourceGroups/{resource_group}" if resource_group else ""
            ids += await reads.clusters(scope)
        wanted = {cluster_key(each): each for each in ids}
        return ids, await _read(reads, [v for key, v in wanted.items() if key not in known])

    ids, found = with_azure(ask)
    held = [each for each in dict.fromkeys(ids) if cluster_key(each) in known]
    for each in held:
        say(f"left out {_short(each)}: target {known[cluster_key(each)]} has it")
    code = _write(
        found, out=out, namespaces=namespace, taken=known.values(), now=surroundings().now()
    )
    if not ids:
        say("There are no clusters.")
    ctx.exit(code)


def _check(resource_ids: Sequence[str], *, subscriptions: Sequence[str], group: str | None) -> None:
    if bool(resource_ids) == bool(subscriptions):
        raise click.UsageError("Give either RESOURCE_IDs or --subscription ID.")
    if group is not None and not subscriptions:
        raise click.UsageError("--resource-group NAME goes with --subscription ID.")
    if group is not None and re.fullmatch(r"[-\w.()]{1,90}", group) is None:
        said = "use at most 90 letters, digits, and -_.()."
        raise click.BadParameter(
            f"{quoted(group)} is no group's name; {said}", param_hint="--resource-group"
        )
    for each in resource_ids:
        cluster_id(each)
    for each in subscriptions:
        if _GUID.fullmatch(each) is None:
            raise click.BadParameter(
                f"{quoted(each)} is no id; `az account list -o table` has them.",
                param_hint="--subscription",
            )


def _existing(paths: Sequence[str], *, out: Path | None) -> dict[str, str]:
    """Clusters that have a target, by key: the target's name."""
    places = (*paths, *([str(out)] if out is not None else []))
    given = contents(places, stdin=surroundings().stdin) if places else None
    raws: list[Mapping[str, Any]] = [
        document.raw
        for document in (given.documents if given is not None else ())
        if kind_of(document) is Kind.TARGET
    ]
    if is_reached():
        raws += cluster().all(Resource.TARGETS)
    found: dict[str, str] = {}
    for raw in raws:
        spec, metadata = raw.get("spec"), raw.get("metadata")
        if isinstance(spec, Mapping) and isinstance(metadata, Mapping):
            found[cluster_key(str(spec.get("resourceId")))] = str(metadata.get("name"))
    return found


async def _read(reads: "ArmReads", ids: Sequence[str]) -> dict[str, Found | AzureError]:
    """Each cluster, or why it could not be read."""
    turn, done = asyncio.Semaphore(_AT_ONCE), 0

    async def one(resource_id: str) -> Found | AzureError:
        nonlocal done
        async with turn:
            try:
                view = await reads.cluster(resource_id)
                found: Found | AzureError = Found(
                    view=view, egress=await node_egress(reads, view.body)
                )
            except AzureError as error:
                found = error
        done += 1
        if done % _TOLD_EVERY == 0 or (done == len(ids) and done > _TOLD_EVERY):
            say(f"read {done} of {len(ids)} clusters")
        return found

    return dict(zip(ids, await asyncio.gather(*map(one, ids)), strict=True))


def _write(
    found: Mapping[str, Found | AzureError],
    *,
    out: Path | None,
    namespaces: Sequence[str],
    taken: Iterable[str],
    now: datetime,
) -> ExitCode:
    """Print or write the targets, and tell what is none; returns the exit code."""
    usable = {
        each: known
        for each, known in found.items()
        if isinstance(known, Found) and not known.unsupported
    }
    called = names(usable, taken=taken)
    if out is not None:
        _refuse_strangers(called, out=out)
    written: list[Path] = []
    for number, (each, name) in enumerate(called.items()):
        text = "\n".join(manifest(usable[each], name=name, namespaces=namespaces, now=now))
        if out is None:
            click.echo(f"---\n{text}" if number else text)
        else:
            written.append(out / f"{name}.yaml")
            replace(written[-1], f"{text}\n")
    failed = _tell(found)
    if out is not None:
        _list(written, folder=out)
        say(f"wrote {len(written)} targets to {out}")
    return ExitCode.FAILED if failed else ExitCode.OK


def _refuse_strangers(called: Mapping[str, str], *, out: Path) -> None:
    """Raise InputError before anything is written where a file would be written over."""
    for each, name in called.items():
        file = out / f"{name}.yaml"
        if file.exists():
            raise InputError(
                f"{file} is there already, and holds no target of {_short(each)}; move it away."
            )


def _tell(found: Mapping[str, Found | AzureError]) -> int:
    """What is not adopted, and why; returns how many could not be read."""
    failed = 0
    for each, known in found.items():
        if isinstance(known, AzureError):
            failed += 1
            say(f"failed {_short(each)}: {known.fault}: {known.message}")
        elif known.unsupported:
            say(f"left out {_short(each)}: {known.unsupported}")
    return failed


def _list(written: Sequence[Path], *, folder: Path) -> None:
    """Name the files in the folder's kustomization file, where there is one."""
    for listing in (folder / name for name in NAMES):
        if written and listing.is_file():
            before = after = read_bytes(listing).decode(errors="surrogateescape")
            for file in written:
                after = with_resource(after, file=listing, added=file)
            if after != before:
                replace(listing, after)
                say(f"updated {listing}")


def _short(resource_id: str) -> str:
    arm = ArmId.parse(resource_id)
    return f"{arm.group}/{arm.name}"
