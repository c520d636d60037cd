"""Names on the management cluster, for a shell that completes: quick, and silent on any failure.

Given to click as `shell_complete`. A shell waits at each press of Tab, so whatever takes longer
than `SECONDS` (a log-in, a cluster that is not there) is ended.
"""

import contextlib
import io
import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import click

from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.options.reaching import cluster

SECONDS: Final = 2.0

_Names = Callable[[Cluster, click.Context], list[str]]


class _TooLong(BaseException):
    """Time is up; not to be taken for an error that something on the way may handle."""


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of targets."""
    return _completed(partial(_all, Resource.TARGETS), ctx=ctx, param=param, incomplete=incomplete)


def namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of namespaces; where these may not be listed, those that have grants."""
    return _completed(_namespaces, ctx=ctx, param=param, incomplete=incomplete)


def grants(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of grants in `--namespace`, or in the context's."""
    return _completed(_grants, ctx=ctx, param=param, incomplete=incomplete)


def _all(resource: Resource, reached: Cluster, ctx: click.Context) -> list[str]:
    return [each["metadata"]["name"] for each in reached.all(resource)]


def _namespaces(reached: Cluster, ctx: click.Context) -> list[str]:
    from aks_access.errors import KubeForbidden

    try:
        return _all(Resource.NAMESPACES, reached, ctx)
    except KubeForbidden:
        return [each["metadata"]["namespace"] for each in reached.all(Resource.GRANTS)]


def _grants(reached: Cluster, ctx: click.Context) -> list[str]:
    namespace = ctx.params.get("namespace") or reached.namespace()
    return [each["metadata"]["name"] for each in reached.all(Resource.GRANTS, namespace=namespace)]


def _completed(
    names: _Names, *, ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[str]:
    """The names that the word begins, without those that stand on the command line already."""
    given = ctx.params.get(param.name or "")
    taken = given if isinstance(given, tuple) else ()
    try:
        with ctx.scope(cleanup=False), contextlib.redirect_stderr(io.StringIO()), _limited():
            found = names(cluster(), ctx)
    except (_TooLong, Exception):
        return []
    return sorted({name for name in found if name.startswith(incomplete) and name not in taken})


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raises `_TooLong` within the block when time is up, where the system has such a timer."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def end(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
