"""The flags and lines that commands share which write grants of the management cluster."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from aks_access.api.timestamps import format_minute
from aks_access.cli.hub.cluster import DryRun
from aks_access.cli.options.flags import Length
from aks_access.cli.options.kinds import OneOf
from aks_access.cli.terminal.saying import complain
from aks_access.exits import ExitCode

if TYPE_CHECKING:
    from aks_access.cli.files.findings import Finding

Command = TypeVar("Command", bound=Callable[..., Any])

_TIMEOUT: Final = timedelta(minutes=10)


def dry_run(command: Command) -> Command:
    """`--dry-run`, as kubectl has it."""
    return click.option(
        "--dry-run",
        type=OneOf([DryRun.CLIENT.value, DryRun.SERVER.value]),
        callback=lambda _ctx, _param, value: DryRun(value) if value else DryRun.NONE,
        help="Write nothing: client sends nothing, server has it checked.",
    )(command)


def waiting(told: str) -> Callable[[Command], Command]:
    """`--wait` and `--timeout`; `told` is the help of the former."""

    def decorated(command: Command) -> Command:
        command = click.option(
            "--timeout",
            type=Length(),
            default="10m",
            show_default=True,
            help="How long --wait waits.",
        )(command)
        return click.option("--wait", is_flag=True, help=told)(command)

    return decorated


probing = click.option(
    "--no-probe", is_flag=True, help="--wait does not ask the API server from here."
)


def output(told: str) -> Callable[[Command], Command]:
    """`-o`, whose forms are kubectl's; `told` is its help."""
    forms = OneOf(["yaml", "json", "name"])
    return click.option("--output", "-o", "form", type=forms, help=told)


def shown(raws: Sequence[Mapping[str, Any]], *, form: str, as_list: bool = False) -> str:
    """Grants as kubectl shows them with `-o`: without managedFields, several as a List."""
    if form == "name":
        return "\n".join(said_name(raw["metadata"]["name"]) for raw in raws)
    items = [_unmanaged(raw) for raw in raws]
    listed = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}
    whole = listed if as_list else items[0]
    if form == "json":
        return json.dumps(whole, indent=2, ensure_ascii=False)
    from aks_access.cli.grants.ask import as_yaml  # what reads YAML is slow to load

    return as_yaml(whole).rstrip("\n")


def _unmanaged(raw: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return {**raw, "metadata": metadata}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person wants of a write besides it.

    Attributes:
        form: `name`, `yaml` or `json` instead of a line for people.
        limit: how long to wait until access is there; None = not at all.
        proves: ask the API server of the target from here, too.
    """

    dry_run: DryRun
    form: str | None
    limit: timedelta | None
    proves: bool


def said_name(name: str) -> str:
    """A grant as kubectl takes it: `apiaccessgrant/laptop`."""
    return f"apiaccessgrant/{name}"


def dry(kind: DryRun) -> str:
    """What a line says behind what was not done."""
    return "" if kind is DryRun.NONE else f" ({kind} dry run)"


def moment(when: datetime, *, now: datetime) -> str:
    """`18:00Z`, to the minute as in the columns of kubectl; another day's with its date."""
    utc = when.astimezone(UTC)
    return utc.strftime("%H:%MZ") if utc.date() == now.date() else format_minute(utc)


def refuse(ctx: click.Context, findings: "Iterable[Finding]") -> None:
    """End the command where the operator would refuse the grant, with all that it would say."""
    denied = list(findings)
    for each in denied:
        complain(f"{each.rule}: {each.message}")
    if denied:
        ctx.exit(ExitCode.FAILED)
