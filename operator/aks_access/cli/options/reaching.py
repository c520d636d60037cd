"""The flags by which commands find the management cluster, named as kubectl names them."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from aks_access.api.ranges import quoted
from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.hub.reach import Reach
from aks_access.cli.options.kinds import Source
from aks_access.cli.surroundings import surroundings

Command = TypeVar("Command", bound=Callable[..., Any])

_GROUP: Final = "aks_access.cli.options.reaching"
_TIMEOUT: Final = re.compile(r"[0-9]{1,9}(ms|s|m|h)?", re.ASCII)


class _Timeout(click.ParamType[str]):
    """How long kubectl waits for an answer."""

    name = "timeout"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """As kubectl takes it."""
        text = str(value)
        if text and not _TIMEOUT.fullmatch(text):
            self.fail(f"{quoted(text)} is no length of time; write one like 10s or 2m.", param, ctx)
        return text


def reaching(command: Command) -> Command:
    """kubectl's flags for a cluster, kept for `cluster()`: the command does not take them.

    Help shows the two that most need; kubectl's own commands list none of them.
    """
    for option in (
        _option("--request-timeout", "timeout", type=_Timeout(), hidden=True),
        _option("--as-group", "as_groups", multiple=True, hidden=True),
        _option("--as", "as_user", hidden=True),
        _option("--user", "user", hidden=True),
        _option("--cluster", "cluster", hidden=True),
        _option(
            "--kubeconfig",
            "kubeconfig",
            type=Source(folders=False, stdin=False, needed=False),
            help="How to reach the management cluster.",
        ),
        _option(
            "--context",
            "context",
            help="Context of the kubeconfig. --cluster, --user, --as, --as-group and "
            "--request-timeout are as kubectl has them, too.",
        ),
    ):
        command = option(command)
    return command


def _option(flag: str, name: str, **more: Any) -> Callable[[Command], Command]:
    def keep(ctx: click.Context, _param: click.Parameter, value: object) -> None:
        given = None if value == "" else value  # as kubectl takes it
        ctx.meta.setdefault(_GROUP, {})[name] = given

    metavar = flag.removeprefix("--").upper()
    own = f"reach_{name}"  # a command may have a parameter called `timeout`
    return click.option(flag, own, metavar=metavar, expose_value=False, callback=keep, **more)


def is_reached() -> bool:
    """Whether a flag names a management cluster."""
    return any(_flags().values())


def cluster() -> Cluster:
    """The management cluster that the running command's flags name."""
    reach = Reach(**_flags())
    if reach.as_groups and reach.as_user is None:
        raise click.UsageError("--as-group goes with --as USER.")
    return surroundings().cluster(reach)


def _flags() -> dict[str, Any]:
    found: dict[str, Any] = click.get_current_context().meta.get(_GROUP, {})
    return found
