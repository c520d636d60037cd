"""Whether the caller gets in: the API servers of a grant's targets, asked from here.

Azure's list is what was asked for; whether it lets this machine in shows only an answer. AKS drops
what comes from an address outside of the list, and takes up to two minutes to enforce a new one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.surroundings import Surroundings
from aks_access.errors import KubeForbidden, NameUnknown, NoAnswer

if TYPE_CHECKING:
    from aks_access.cli.internet.web import Answer

ENFORCED: Final = 120.0
"""Seconds within which AKS enforces a list."""

_LONGEST: Final = 180.0
_PAUSE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """The API server of a target; `host` "" = it cannot be told, for `problem`."""

    target: str
    host: str
    problem: str = ""


def servers(cluster: Cluster, targets: Sequence[str]) -> Iterator[Server]:
    """Where the targets' API servers are, by the targets' statuses."""
    for name in targets:
        try:
            raw = cluster.get(Resource.TARGETS, name=name) or {}
        except KubeForbidden:
            yield Server(name, "", f"you may not read target {name}, which says where it is")
            continue
        host = _fqdn(raw)
        yield Server(name, host, "" if host else f"target {name} does not say where it is")


def _fqdn(raw: Mapping[str, Any]) -> str:
    facts = raw.get("status", {}).get("cluster", {})
    found = facts.get("fqdn") if isinstance(facts, dict) else None
    return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Asks servers until they answer.

    Attributes:
        until: when to give up, by the machine's `clock`.
        tell: takes lines about what it waits for.
    """

    machine: Surroundings
    until: float
    tell: Callable[[str], None]

    def silent(self, hosts: Sequence[str], *, once: bool = False) -> dict[str, NoAnswer]:
        """The hosts that did not answer in time, each with what came instead.

        Names that have no address are asked for twice: no list brings one.
        """
        began = self.machine.clock()
        until = min(self.until, began + _LONGEST)
        left = {host: problem for host in hosts if (problem := self._asked(host))}
        told = ""
        while left and not once and self.machine.clock() < until:
            if told != (told := "; ".join(f"{host}: {why}" for host, why in left.items())):
                takes = "" if nameless(left) else "; AKS takes up to two minutes"
                self.tell(f"waiting: In Azure{takes}. {told}.")
            self.machine.pause(min(_PAUSE, max(0.0, until - self.machine.clock())))
            before, left = left, {host: why for host in left if (why := self._asked(host))}
            if nameless(left) and nameless({host: before[host] for host in left}):
                break
        return left

    def _asked(self, host: str) -> NoAnswer | None:
        """What is wrong; None where it answered: 401 and 403 are answers too."""
        from aks_access.cli.internet.web import Question

        try:
            # Its authority is the cluster's own, and nothing is sent that would need to be kept.
            answer = self.machine.web(Question(url=f"https://{host}/readyz", verified=False))
        except NoAnswer as error:
            return error
        return _stranger(answer)


def nameless(silent: Mapping[str, NoAnswer]) -> bool:
    """Whether the resolver says of each of the hosts that its name has no address."""
    return all(isinstance(why, NameUnknown) for why in silent.values())


def _stranger(answer: "Answer") -> NoAnswer | None:
    """What answered, where that was no API server."""
    if answer.kind != "text/html":
        return None
    by = f"the proxy {answer.proxy}" if answer.proxy else "something in between"
    return NoAnswer(f"{by} answered in its place (HTTP {answer.status})")
