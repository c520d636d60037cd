"""`aks-access ledger`: takes what the operator remembers to another management cluster.

The documentation's page on moving has the steps around it; the order matters more than the
commands do.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aks_access.api.names import OPERATOR_NAMESPACE
from aks_access.cli.files.inputs import read_bytes
from aks_access.cli.options.flags import Name
from aks_access.cli.options.kinds import Namespace, NewFile, Source
from aks_access.errors import ImportRefused, InputError, LedgerUnreadable

if TYPE_CHECKING:
    from aks_access.kube.moving import Arrival, Hub

Command = TypeVar("Command", bound=Callable[..., Any])
Answer = TypeVar("Answer")


def _reaching(command: Command) -> Command:
    """The flags that say which management cluster is meant."""
    for option in (
        click.option(
            "--namespace",
            "-n",
            type=Namespace(absent=OPERATOR_NAMESPACE),
            default=OPERATOR_NAMESPACE,
            show_default=True,
            help="The operator's own.",
        ),
        click.option("--context", help="Context of the kubeconfig."),
        click.option(
            "--kubeconfig",
            type=Source(folders=False, stdin=False, needed=False),
            help="How to reach the management cluster.",
        ),
    ):
        command = option(command)
    return command


@click.group("ledger", short_help="Move ledgers to another management cluster.")
def ledger() -> None:
    """Move what the operator remembers to another management cluster."""


@ledger.command("export", short_help="Write ledgers and activations into a file.")
@click.option("--target", type=Name(), help="Only the ledger of this target.")
@click.option("--all", "every", is_flag=True, help="All ledgers.")
@click.option(
    "--output", "-o", metavar="FILE", type=NewFile(), help="Write FILE, and not standard output."
)
@_reaching
def export(
    target: str | None,
    every: bool,
    output: Path | None,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
) -> None:
    """Write ledgers and first activations into a file, or to standard output.

    Stop the operator first, or what it writes meanwhile is not in the file.
    """
    if (target is not None) == every:
        raise click.UsageError("Give one of --target NAME and --all.")

    async def run(hub: "Hub") -> str:
        from aks_access.kube.ledger_export import render

        found = await hub.read(target=target)
        for each in found.ledgers:
            click.echo(f"{each.target_name}  {_entries(len(each.entries))}", err=True)
        return render(found, exported=datetime.now(UTC).replace(microsecond=0))

    text = _with_hub(run, kubeconfig=kubeconfig, context=context, namespace=namespace)
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{output}: {error.strerror or error}.") from error


@ledger.command("import", short_help="Write an exported file's ledgers here.")
@click.argument("file", type=Source(folders=False, stdin=False))
@click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
@_reaching
def import_(
    file: str,
    dry_run: bool,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
) -> None:
    """Write the ledgers and first activations of an exported FILE here.

    Targets and grants must be here already. Nothing is overwritten, and nothing is written where
    one of them cannot be.
    """
    from aks_access.kube.ledger_export import parse

    try:
        exported = parse(read_bytes(Path(file)).decode())
    except (LedgerUnreadable, UnicodeDecodeError) as error:
        raise ImportRefused(f"{file} cannot be imported: {error}") from error

    async def run(hub: "Hub") -> list[str]:
        move = await hub.check(exported)
        if not dry_run:
            await hub.write(move)
        lines = [line for arrival in move.arrivals for line in _told(arrival, dry_run=dry_run)]
        verb = "would be recorded" if dry_run else "recorded"
        return [*lines, f"{len(move.activations)} first activations {verb}"]

    lines = _with_hub(run, kubeconfig=kubeconfig, context=context, namespace=namespace)
    click.echo("\n".join(lines))


def _told(arrival: "Arrival", *, dry_run: bool) -> list[str]:
    verb = "is here already" if arrival.present else "would be imported" if dry_run else "imported"
    name = arrival.ledger.target_name
    return [
        f"{name}  {_entries(len(arrival.ledger.entries))}  {verb}",
        *(
            f"{name}  warning: the grant {path} is not here: apply it first, or what it holds goes"
            for path in arrival.missing
        ),
    ]


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def _with_hub(
    run: "Callable[[Hub], Coroutine[None, None, Answer]]",
    *,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
) -> Answer:
    """Run a coroutine on a connection to the management cluster."""
    from aks_access.kube.connection import Access, Connection
    from aks_access.kube.moving import Hub

    async def main() -> Answer:
        access = Access(kubeconfig=kubeconfig or None, context=context or None)
        async with await Connection.open(access=access) as connection:
            return await run(Hub(connection=connection, namespace=namespace))

    return asyncio.run(main())
