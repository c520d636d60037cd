"""What commands see of the machine they run on: the time, the user, and where input comes from.

Handed in at the top, so that a test can say what time it is.
"""

import getpass
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.hub.kubectl import Kubectl
from aks_access.cli.hub.reach import Reach
from aks_access.errors import InputError

if TYPE_CHECKING:
    from aks_access.cli.internet.web import Answer, Question

_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 63


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _own_name() -> str:
    """`user-host` as an object's name: lower case, and hyphens for what such a name cannot have.

    Raises InputError where the user has no name, as in a container.
    """
    host = socket.gethostname().partition(".")[0]
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError) as error:
        raise InputError(
            "Your user has no name here for the grant to be called by. Name it: --name NAME"
        ) from error
    return _NO_NAME.sub("-", f"{user}-{host}".lower())[:_LONGEST].strip("-")


def _web(question: "Question") -> "Answer":
    from aks_access.cli.internet import web  # a third of a command's start, for the few that ask

    return web.get(question)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine.

    Attributes:
        now: the time, UTC, whole seconds.
        own_name: who works here, as an object's name.
        stdin: all of standard input.
        cluster: the management cluster that flags name.
        web: the answer of a web server; raises `NoAnswer`.
        clock: seconds that only grow, for waiting.
        pause: waits so many seconds.
    """

    now: Callable[[], datetime] = _now
    own_name: Callable[[], str] = _own_name
    stdin: Callable[[], bytes] = field(default=lambda: sys.stdin.buffer.read())
    cluster: Callable[[Reach], Cluster] = Kubectl
    web: "Callable[[Question], Answer]" = _web
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def surroundings() -> Surroundings:
    """Those of the running command."""
    return click.get_current_context().find_object(Surroundings) or Surroundings()
