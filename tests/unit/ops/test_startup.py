"""The start: what is waited for, what is only told, and how often."""

import logging
from collections.abc import Callable, Sequence

import pytest

from aks_access.errors import AzureError, AzureFault, KubeError, KubeForbidden, StartupError
from aks_access.ops.health import Readiness
from aks_access.ops.startup import (
    Teller,
    azure_findings,
    kube_findings,
    wait_for_kubernetes,
    watch_azure,
    watch_rights,
)

SERVER = "https://10.0.0.1:443"
ENDPOINT = "https://management.azure.com"


class Kinds(tuple[str, ...]):
    """Kinds that are missing."""


class Rights(tuple[str, ...]):
    """Rights that are missing."""


ALL_THERE = Rights()


class FakeKube:
    """Answers `answers` one after the other, the last for ever."""

    def __init__(self, *answers: Kinds | Rights | Exception) -> None:
        self.answers = list(answers)

    async def missing_kinds(self) -> Sequence[str]:
        answer = self.answers[0]
        if isinstance(answer, Rights):
            return ()
        self._next()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def missing_rights(self, *, namespace: str) -> Sequence[str]:
        answer = self.answers[0]
        assert isinstance(answer, Rights)
        self._next()
        return [f"{each} in {namespace}" for each in answer]

    def _next(self) -> None:
        if len(self.answers) > 1:
            self.answers.pop(0)


class FakeAzure:
    """Raises the errors given, one call after the other, then none."""

    def __init__(self, *, credential: Sequence[AzureError] = (), endpoint: bool = True) -> None:
        self.credential = list(credential)
        self.endpoint = endpoint

    async def check_credential(self) -> None:
        if self.credential:
            raise self.credential.pop(0)

    async def check_endpoint(self) -> None:
        if not self.endpoint:
            raise AzureError("connection refused", fault=AzureFault.UNCERTAIN)


class Sleeper:
    """Sleeps by moving the clock."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


UNREACHABLE = KubeError("connection refused")
NO_TOKEN = AzureError("AADSTS700016", fault=AzureFault.NO_CREDENTIAL)
NO_KIND = Kinds(["the API server does not serve apiaccessgrants in aksaccess.dev/v1alpha1"])


async def found(probe: FakeKube) -> tuple[str, ...]:
    findings = await kube_findings(probe, server=SERVER, namespace="aks-access-system")
    return findings.sentences


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def teller(sleeper: Sleeper) -> Teller:
    return Teller(monotonic=sleeper.now)


@pytest.fixture
def readiness() -> Readiness:
    return Readiness("kubernetes")


@pytest.fixture
def wait(sleeper: Sleeper, teller: Teller, readiness: Readiness):
    """Wait for a fake management cluster; `before_sleep` looks around while it waits."""

    async def run(probe: FakeKube, *, before_sleep: Callable[[], object] = lambda: None) -> None:
        async def sleep(seconds: float) -> None:
            before_sleep()
            await sleeper(seconds)

        await wait_for_kubernetes(
            probe=probe,
            server=SERVER,
            namespace="aks-access-system",
            readiness=readiness,
            teller=teller,
            sleep=sleep,
        )

    return run


async def test_nothing_missing_is_no_finding():
    assert await found(FakeKube(ALL_THERE)) == ()


async def test_every_missing_kind_is_named_with_the_remedy():
    assert await found(FakeKube(Kinds(["no grants", "no targets"]))) == (
        f"{SERVER}: no grants: kubectl apply -f crds/",
        f"{SERVER}: no targets: kubectl apply -f crds/",
    )


async def test_every_missing_right_is_named():
    assert await found(FakeKube(Rights(["no leases"]))) == (
        f"{SERVER}: no leases in aks-access-system",
    )


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (UNREACHABLE, "--kubeconfig"),
        (KubeError("401 Unauthorized", status=401), "token"),
        (KubeForbidden("403 Forbidden", status=403), "API server"),
        (KubeError("500", status=500), "check the API server"),
    ],
)
async def test_an_api_server_that_cannot_be_used_is_a_finding(error, remedy):
    (finding,) = await found(FakeKube(error))
    assert SERVER in finding
    assert str(error) in finding
    assert remedy in finding


async def test_azure_findings_name_the_settings():
    probe = FakeAzure(credential=[NO_TOKEN], endpoint=False)
    token, endpoint = await azure_findings(probe, endpoint=ENDPOINT)
    assert "AADSTS700016" in token
    assert "--azure-credential" in token
    assert ENDPOINT in endpoint
    assert "--azure-ca-file" in endpoint


async def test_the_start_waits_with_growing_pauses_and_is_not_ready_meanwhile(
    wait, sleeper, readiness
):
    seen: list[bool] = []
    probe = FakeKube(UNREACHABLE, UNREACHABLE, NO_KIND, ALL_THERE)
    await wait(probe, before_sleep=lambda: seen.append(readiness.ready))
    assert seen == [False] * 3
    assert sleeper.slept == sorted(sleeper.slept)
    assert sleeper.slept[0] == 1
    assert readiness.ready


async def test_a_missing_right_holds_nothing_up_but_readiness(wait, sleeper, teller, readiness):
    probe = FakeKube(Rights(["no leases"]))
    await wait(probe)
    assert sleeper.slept == []
    details: list[str] = []

    async def sleep(seconds: float) -> None:
        details.append(readiness.checks()["rights"].detail)
        assert not readiness.ready
        probe.answers = [ALL_THERE]
        await sleeper(seconds)

    await watch_rights(
        probe=probe,
        server=SERVER,
        namespace="aks-access-system",
        readiness=readiness,
        teller=teller,
        sleep=sleep,
    )
    assert "no leases" in details[0]
    assert readiness.ready


async def test_what_is_missing_stands_in_the_readiness(wait, readiness):
    details: list[str] = []
    await wait(
        FakeKube(NO_KIND, ALL_THERE),
        before_sleep=lambda: details.append(readiness.checks()["kubernetes"].detail),
    )
    assert "kubectl apply -f crds/" in details[0]


async def test_a_finding_that_stands_is_said_once_a_minute(wait, sleeper, caplog):
    await wait(FakeKube(*[UNREACHABLE] * 20, ALL_THERE))
    told = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert sleeper.now() > 120
    assert 2 < len(told) <= 1 + sleeper.now() // 60


async def test_another_finding_is_said_at_once(wait, caplog):
    await wait(FakeKube(UNREACHABLE, NO_KIND, UNREACHABLE, ALL_THERE))
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert ["refused" in line for line in told] == [True, False, True]


async def test_what_no_waiting_mends_ends_the_start(wait, sleeper):
    with pytest.raises(StartupError):
        await wait(FakeKube(StartupError("no kubeconfig")))
    assert sleeper.slept == []


async def test_azure_is_told_but_never_needed(sleeper, teller, readiness, caplog):
    readiness.report("kubernetes", passed=True)
    states: list[tuple[bool, str]] = []

    async def sleep(seconds: float) -> None:
        states.append((readiness.ready, readiness.checks()["azure"].mark))
        await sleeper(seconds)

    probe = FakeAzure(credential=[NO_TOKEN, NO_TOKEN])
    await watch_azure(
        probe=probe, endpoint=ENDPOINT, readiness=readiness, teller=teller, sleep=sleep
    )
    assert states == [(True, "!"), (True, "!")]
    assert readiness.checks()["azure"].passed
    assert any("AADSTS700016" in each.getMessage() for each in caplog.records)
