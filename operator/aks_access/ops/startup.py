"""What must be there before the work starts, and what becomes of it when it is not.

An API server that is away, a CRD or a right that is missing can appear any moment: wait, not
ready, and say so. Azure is not waited for, because every target reports its own trouble; its check
goes on beside the work until it passes. What no waiting mends (no kubeconfig, a wrong setting)
is raised as an error by whoever finds it, and ends the process.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aks_access.errors import AzureError, KubeError
from aks_access.ops.health import Readiness

logger = logging.getLogger(__name__)

KUBERNETES: Final = "kubernetes"
RIGHTS: Final = "rights"
AZURE: Final = "azure"
"""Names of the checks."""

REPEAT_AFTER: Final = 60.0
"""Seconds before a finding that stands is said again."""

_KUBE_BACKOFF: Final = (1.0, 2.0, 5.0, 10.0, 15.0)
_AZURE_BACKOFF: Final = (15.0, 30.0, 60.0, 300.0)


class KubeProbe(Protocol):
    """What the start asks of the management cluster (`kube.discovery.Discovery`).

    Answers are sentences about what is missing, none = nothing. Raises `KubeError`.
    """

    async def missing_kinds(self) -> Sequence[str]:
        """What of the CRDs is not served."""
        ...

    async def missing_rights(self, *, namespace: str) -> Sequence[str]:
        """What the operator may not do; `namespace` is its own."""
        ...


class AzureProbe(Protocol):
    """What the start asks of Azure. Raises `AzureError`."""

    async def check_credential(self) -> None:
        """Obtain a token for Azure Resource Manager."""
        ...

    async def check_endpoint(self) -> None:
        """Get any answer from Azure Resource Manager."""
        ...


Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is missing, one sentence each; `holds` = the work cannot begin without it."""

    sentences: tuple[str, ...] = ()
    holds: bool = False


async def kube_findings(probe: KubeProbe, *, server: str, namespace: str) -> Findings:
    """What is missing on the management cluster.

    A missing right does not hold the work up: what has to end must end, with what rights there are.
    """
    try:
        if missing := await probe.missing_kinds():
            sentences = tuple(f"{server}: {each}: kubectl apply -f crds/" for each in missing)
            return Findings(sentences, holds=True)
        rights = await probe.missing_rights(namespace=namespace)
    except KubeError as error:
        if error.status is None:
            remedy = "check --kubeconfig, --context and the network"
        elif error.status == 401:
            remedy = "check the ServiceAccount's token or the kubeconfig's user"
        else:
            remedy = "check the API server, and who may ask it"
        return Findings((f"{server} cannot be used ({error}): {remedy}",), holds=True)
    return Findings(tuple(f"{server}: {each}" for each in rights))


async def azure_findings(probe: AzureProbe, *, endpoint: str) -> tuple[str, ...]:
    """One sentence for each thing missing on Azure's side; () = nothing."""
    findings = []
    try:
        await probe.check_credential()
    except AzureError as error:
        findings.append(
            f"No token for Azure could be had ({error}): check --azure-credential, "
            "--azure-authority and the AZURE_* variables of the identity"
        )
    try:
        await probe.check_endpoint()
    except AzureError as error:
        findings.append(
            f"Azure Resource Manager at {endpoint} does not answer ({error}): check "
            "--azure-endpoint, --azure-ca-file, the proxy and the network"
        )
    return tuple(findings)


class Teller:
    """Logs findings as they change, and those that stand at most once a minute."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[str, float] = {}

    def tell(self, findings: Iterable[str]) -> None:
        """Log what is new or was last said a minute ago; forget what is gone."""
        now = self._monotonic()
        before, self._told = self._told, {}
        for finding in findings:
            last = before.get(finding)
            if last is None or now - last >= REPEAT_AFTER:
                logger.error("%s", finding)
                last = now
            self._told[finding] = last


async def wait_for_kubernetes(
    *,
    probe: KubeProbe,
    server: str,
    namespace: str,
    readiness: Readiness,
    teller: Teller,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Return once the work can begin: the API server answers and serves the kinds.

    `server` is the API server's URL, for messages. What is missing goes to `readiness`.
    """

    async def look() -> tuple[str, ...]:
        found = await kube_findings(probe, server=server, namespace=namespace)
        return found.sentences if found.holds else ()

    await _until_clear(
        look=look,
        name=KUBERNETES,
        needed=True,
        backoff=_KUBE_BACKOFF,
        readiness=readiness,
        teller=teller,
        sleep=sleep,
    )


async def watch_rights(
    *,
    probe: KubeProbe,
    server: str,
    namespace: str,
    readiness: Readiness,
    teller: Teller,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Return once no right is missing; meant to run beside the work, which it does not hold up."""

    async def look() -> tuple[str, ...]:
        return (await kube_findings(probe, server=server, namespace=namespace)).sentences

    await _until_clear(
        look=look,
        name=RIGHTS,
        needed=True,
        backoff=_KUBE_BACKOFF,
        readiness=readiness,
        teller=teller,
        sleep=sleep,
    )


async def watch_azure(
    *,
    probe: AzureProbe,
    endpoint: str,
    readiness: Readiness,
    teller: Teller,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Return once Azure can be used; meant to run beside the work, which it does not hold up."""
    await _until_clear(
        look=lambda: azure_findings(probe, endpoint=endpoint),
        name=AZURE,
        needed=False,
        backoff=_AZURE_BACKOFF,
        readiness=readiness,
        teller=teller,
        sleep=sleep,
    )


async def _until_clear(
    *,
    look: Callable[[], Awaitable[tuple[str, ...]]],
    name: str,
    needed: bool,
    backoff: Sequence[float],
    readiness: Readiness,
    teller: Teller,
    sleep: Sleep,
) -> None:
    tries = 0
    while findings := await look():
        readiness.report(name, passed=False, detail="; ".join(findings), needed=needed)
        teller.tell(findings)
        await sleep(backoff[min(tries, len(backoff) - 1)])
        tries += 1
    readiness.report(name, passed=True, needed=needed)
    if tries:
        logger.info("The check of %s passes now.", name)
