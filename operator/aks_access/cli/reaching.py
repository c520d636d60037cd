"""The flags by which commands find the management cluster, named as kubectl names them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from aks_access.cli.cluster import Cluster
from aks_access.cli.kinds import Source
from aks_access.cli.kubectl import Reach
from aks_access.cli.surroundings import surroundings

Command = TypeVar("Command", bound=Callable[..., Any])

_GROUP = "aks_access.cli.reaching"


def reaching(command: Command) -> Command:
    """`--context` and `--kubeconfig`, kept for `cluster()`: the command does not take them."""
    for name, kind, told in (
        ("kubeconfig", Source(folders=False, stdin=False), "How to reach the management cluster."),
        ("context", click.STRING, "Context of the kubeconfig."),
    ):
        command = click.option(
            f"--{name}",
            type=kind,
            metavar=name.upper(),
            help=told,
            expose_value=False,
            callback=_keep,
        )(command)
    return command


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta.setdefault(_GROUP, {})[param.name] = value


def is_reached() -> bool:
    """Whether a flag names a management cluster."""
    flags = click.get_current_context().meta.get(_GROUP, {})
    return any(value is not None for value in flags.values())


def cluster() -> Cluster:
    """The management cluster that the running command's flags name."""
    flags = click.get_current_context().meta.get(_GROUP, {})
    return surroundings().cluster(Reach(**flags))
