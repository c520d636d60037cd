"""The IPv4 address by which this machine is seen on the internet, asked of several services.

Two must agree: one alone may lie (a resolver of the company, a log-in portal), and where they
differ the machine leaves by several addresses, of which AKS may see another than a service does.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from aks_access.api.ranges import IPv4Range, IPv6RangeError, RangeError, quoted, special_network
from aks_access.errors import AksAccessError, NoAnswer, StartupError

if TYPE_CHECKING:
    from aks_access.cli.internet.web import Answer, Question

VARIABLE: Final = "AKS_ACCESS_ADDRESS_SERVICES"
SERVICES: Final = (
    "https://api.ipify.org",
    "https://checkip.amazonaws.com",
    "https://ipv4.icanhazip.com",
)
"""Each answers by IPv4 with the address of whoever asks, and nothing else."""

_ENOUGH: Final = 2
_LONGEST: Final = 64
_SECONDS: Final = 5.0
_GRACE: Final = 1.0
"""Seconds that the last services have once enough agree."""

_OK: Final = 200

Command = TypeVar("Command", bound=Callable[..., Any])


class Service(click.ParamType[str]):
    """The address of such a service; several in the variable, between commas."""

    name = "url"
    envvar_list_splitter = ","

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The URL."""
        text = str(value).strip()
        try:
            parts = urlsplit(text)
            usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            self.fail(f"{quoted(text)} is no address of a service like {SERVICES[0]}.", param, ctx)
        return text


def asking(command: Command) -> Command:
    """`--my-ip` and `--address-service`, which the command takes as `my_ip` and `services`."""
    for option in (
        click.option(
            "--address-service",
            "services",
            metavar="URL",
            type=Service(),
            multiple=True,
            envvar=VARIABLE,
            default=SERVICES,
            help=f"Whom --my-ip asks, instead of {', '.join(SERVICES)}; may be given again.",
        ),
        click.option(
            "--my-ip", is_flag=True, help="The address that services on the internet see here."
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a service answered: an address, or why that is none."""

    service: str
    address: IPv4Range | None
    problem: str = ""
    proxy: str = ""

    def __str__(self) -> str:
        if self.address is None:
            return f"{_host(self.service)}: {self.problem}"
        return f"{_host(self.service)} sees {_shown(self.address)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAddress:
    """`ask.Addresses` of this machine.

    Attributes:
        services: URLs.
        web: asks one.
        tell: takes lines for the person.
        environment: variables, which tell of Cloud Shell.
        by: how the person names an address to this command instead.
    """

    services: Sequence[str]
    web: "Callable[[Question], Answer]"
    tell: Callable[[str], None]
    environment: Mapping[str, str]
    by: str

    def ranges(self) -> Sequence[IPv4Range]:
        """The one address that at least two services see.

        Raises StartupError where fewer than two gave a usable answer, AksAccessError where no two
        agree.
        """
        services = tuple(dict.fromkeys(self.services))
        if len(services) < _ENOUGH:
            raise click.UsageError(
                f"One service may be wrong, and two are needed; name another --address-service, "
                f"or the address itself: {self.by}. Known is {', '.join(services) or 'none'}."
            )
        seen = self._asked(services)
        address = _agreed(seen, by=self.by)
        count = sum(each.address == address for each in seen)
        proxies = sorted({each.proxy for each in seen if each.proxy})
        through = f" through the proxy {', '.join(proxies)}" if proxies else ""
        self.tell(f"your IPv4, seen by {count} services{through}: {_shown(address)}")
        for each in seen:
            if each.address is None:
                self.tell(f"warning: {each}.")
            elif each.address != address:
                self.tell(
                    f"warning: {each}: you leave by more than one address, and the cluster may see "
                    f"that one. If so, name it: {self.by}."
                )
        if "ACC_CLOUD" in self.environment or "AZUREPS_HOST_ENVIRONMENT" in self.environment:
            self.tell(
                "warning: the address of Cloud Shell is shared with others, and another one after "
                "each start: keep a grant to it short, or use Cloud Shell in a virtual network."
            )
        return (address,)

    def _asked(self, services: Sequence[str]) -> list[_Seen]:
        """All at once; who is late is not waited for."""
        answers: queue.Queue[_Seen] = queue.Queue()
        for service in services:
            threading.Thread(
                target=lambda url=service: answers.put(self._ask(url)), daemon=True
            ).start()
        seen: dict[str, _Seen] = {}
        until = time.monotonic() + _SECONDS
        while len(seen) < len(services):
            try:
                one = answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            seen[one.service] = one
            counted = Counter(each.address for each in seen.values() if each.address)
            if any(count >= _ENOUGH for count in counted.values()):
                until = min(until, time.monotonic() + _GRACE)
        return [seen.get(each) or _Seen(each, None, "no answer in time") for each in services]

    def _ask(self, service: str) -> _Seen:
        from aks_access.cli.internet.web import Question

        try:
            answer = self.web(Question(url=service, most=_LONGEST))
        except NoAnswer as error:
            return _Seen(service, None, problem=str(error))
        try:
            return _Seen(service, _read(answer), proxy=answer.proxy)
        except ValueError as error:
            return _Seen(service, None, problem=str(error), proxy=answer.proxy)


def _read(answer: "Answer") -> IPv4Range:
    """The address in an answer. Raises ValueError that says what is there instead."""
    text = answer.body.decode("ascii", errors="replace").strip()
    if answer.status != _OK:
        raise ValueError(f"it answered HTTP {answer.status}, and no address")
    if answer.kind == "text/html" or text.startswith("<"):
        raise ValueError("a web page answered, as log-in portals and proxies have them")
    if len(answer.body) > _LONGEST or "/" in text:
        raise ValueError(f"it answered {quoted(text)}, which is no address")
    try:
        address = IPv4Range.parse(text)
    except IPv6RangeError as error:
        raise ValueError(f"it answered the IPv6 address {text}, and AKS takes IPv4 only") from error
    except RangeError as error:
        raise ValueError(f"it answered {quoted(text)}, which is no IPv4 address") from error
    special = special_network(address)
    if special is not None:
        raise ValueError(
            f"it answered {text}, which is no public address ({special.name}, {special.source})"
        )
    return address


def _agreed(seen: Sequence[_Seen], *, by: str) -> IPv4Range:
    counted = Counter(each.address for each in seen if each.address is not None).most_common()
    if counted and counted[0][1] >= _ENOUGH and [n for _, n in counted].count(counted[0][1]) == 1:
        return counted[0][0]
    told = "; ".join(map(str, seen))
    if sum(count for _, count in counted) >= _ENOUGH:
        raise AksAccessError(
            f"You leave by more than one address (a split tunnel, several NATs), and which of them "
            f"the cluster sees is not known: {told}. {_named(by)}"
        )
    raise StartupError(
        f"Your IPv4 is not known, because fewer than two services said it: {told}. {_named(by)}, "
        "or other services: --address-service URL"
    )


def _named(by: str) -> str:
    return f"Name the address that reaches the cluster: {by}"


def _host(service: str) -> str:
    return urlsplit(service).netloc


def _shown(address: IPv4Range) -> str:
    return str(address).removesuffix("/32")
