"""Somebody else at the emulator's clusters, from the command line: `python -m sandbox arm`.

What the portal, a script or Terraform would do to a cluster's authorized IP ranges beside the
operator, and a look at what stands there.
"""

import textwrap
from typing import Final

import click

from sandbox.arm.control import ArmControl, ControlError
from sandbox.arm.control_clusters import ClusterView

VARIABLE: Final = "AKS_ACCESS_SANDBOX_ARM"
"""Names the control URL of the emulator to talk to."""

_WIDTH = 96


_control = click.option(
    "--control",
    envvar=VARIABLE,
    required=True,
    callback=lambda context, option, value: ArmControl.connect(value),
    help=f"Control URL of the emulator; also from {VARIABLE}.",
)


@click.group("arm")
def arm() -> None:
    """Look at the emulator's clusters, or edit a list as the portal would."""


@arm.command("list")
@click.argument("clusters", nargs=-1)
@_control
def list_(clusters: tuple[str, ...], control: ArmControl) -> None:
    """Show the authorized IP ranges of CLUSTERS, by name; all when none is named."""
    views = [find(control, name) for name in clusters] or control.clusters()
    for view in views:
        click.echo(line(view))


@arm.command()
@click.argument("cluster")
@click.argument("ranges", nargs=-1, required=True)
@_control
def add(cluster: str, ranges: tuple[str, ...], control: ArmControl) -> None:
    """Add RANGES to a cluster's list."""
    _edit(control, find(control, cluster), add=ranges)


@arm.command()
@click.argument("cluster")
@click.argument("ranges", nargs=-1, required=True)
@_control
def remove(cluster: str, ranges: tuple[str, ...], control: ArmControl) -> None:
    """Take RANGES out of a cluster's list."""
    _edit(control, find(control, cluster), remove=ranges)


@arm.command()
@click.argument("cluster")
@_control
def clear(cluster: str, control: ArmControl) -> None:
    """Clear a cluster's list, so that anyone can reach it."""
    click.echo(line(control.clear_ranges(find(control, cluster).resource_id)))


def find(control: ArmControl, name: str) -> ClusterView:
    """Return the cluster with this name or ARM id; raises click.UsageError."""
    views = control.clusters()
    for view in views:
        if name.lower() in (view.key, view.key.rpartition("/")[2]):
            return view
    known = ", ".join(view.resource_id.rpartition("/")[2] for view in views) or "none"
    raise click.UsageError(f"There is no cluster {name}; there are: {known}.")


def line(view: ClusterView) -> str:
    """One cluster and its list, folded to the width of a terminal."""
    name = view.resource_id.rpartition("/")[2]
    if view.ranges is None:
        return f"{name}: no authorized IP ranges, anyone can reach it"
    busy = "" if view.provisioning_state == "Succeeded" else f" ({view.provisioning_state})"
    return textwrap.fill(
        f"{name}: {', '.join(view.ranges)}{busy}",
        width=_WIDTH,
        subsequent_indent=" " * (len(name) + 2),
        break_on_hyphens=False,
    )


def _edit(
    control: ArmControl,
    view: ClusterView,
    *,
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
) -> None:
    try:
        click.echo(line(control.edit_ranges(view.resource_id, add=add, remove=remove)))
    except ControlError as error:
        raise click.ClickException(str(error)) from error
