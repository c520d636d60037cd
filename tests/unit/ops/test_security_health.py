"""The health port serves three paths by GET, to nobody for long, and to no crowd."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from aks_access.ops.health import (
    MOST_CONNECTIONS,
    HealthServer,
    Liveness,
    Readiness,
    health_app,
)
from aks_access.ops.metrics import PrometheusMetrics

LIFETIME = 0.3
PATHS = ("/livez", "/readyz", "/metrics")
EVIL = "a\r\nX-Injected: 1\x1b[31m\u202e"

Ask = Callable[..., Awaitable[tuple[str, str]]]


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
async def port(readiness: Readiness) -> AsyncIterator[int]:
    liveness = Liveness(beat_age=lambda: 0.0, beat_limit=30, relist_interval=600)
    registry = PrometheusMetrics().registry
    app = health_app(liveness=liveness, readiness=readiness, registry=registry)
    server = HealthServer(app=app, host="127.0.0.1", port=0, lifetime=LIFETIME)
    yield await server.start()
    await server.stop()


async def send(port: int, text: str) -> tuple[str, str]:
    """One raw request, `Connection: close`; its status line and everything after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text.encode())
        answer = (await reader.read()).decode()
    except ConnectionResetError:
        return "", ""
    finally:
        writer.close()
    status, _, rest = answer.partition("\r\n")
    return status, rest


def request(method: str, path: str, *headers: str) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return "\r\n".join(lines) + "\r\n\r\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
async def test_security_no_other_method_is_served(port: int, method: str, path: str) -> None:
    status, rest = await send(port, request(method, path, "Content-Length: 0"))
    assert status.split(" ")[1] in ("400", "405"), status
    assert "aks_access" not in rest


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics/",
        "/metricsx",
        "//metrics",
        "/../etc/passwd",
        "/%2e%2e/metrics",
        "/debug/pprof",
        "/livez/x",
        "/static/x",
        "/readyz%00",
        "http://169.254.169.254/metadata",
    ],
)
async def test_security_no_other_path_is_served(port: int, path: str) -> None:
    status, rest = await send(port, request("GET", path))
    assert status.split(" ")[1] in ("400", "404"), status
    assert "aks_access" not in rest
    assert "Python" not in rest
    assert "aiohttp" not in rest


@pytest.mark.parametrize(
    "headers",
    [[f"X-Big: {'x' * 100_000}"], [f"X-{n}: v" for n in range(20_000)]],
    ids=["one of 100 kB", "20,000"],
)
async def test_security_huge_headers_are_refused(port: int, headers: list[str]) -> None:
    status, _ = await send(port, request("GET", "/livez", *headers))
    assert status == "" or status.split(" ")[1] in ("400", "431")
    assert (await send(port, request("GET", "/livez")))[0].split(" ")[1] == "200"


@pytest.mark.parametrize(
    "begun", ["", "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET /livez HTTP/1.1\r\n"]
)
async def test_security_a_request_that_never_ends_is_cut_off(port: int, begun: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun.encode())
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


async def test_security_a_crowd_is_turned_away_and_others_served_after(port: int) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS + 20)]
    async with asyncio.timeout(20):
        assert [await reader.read() for reader, _ in crowd[-20:]] == [b""] * 20
        for reader, writer in crowd:
            await reader.read()
            writer.close()
    assert (await send(port, request("GET", "/livez")))[0].split(" ")[1] == "200"


async def test_security_nothing_that_others_wrote_breaks_out_of_a_probe(
    port: int, readiness: Readiness
) -> None:
    readiness.report("kubernetes", passed=False, detail=EVIL + "x" * 1_000_000)
    status, rest = await send(port, request("GET", "/readyz"))
    assert status.split(" ")[1] == "503"
    assert "\nX-Injected" not in rest
    assert "\x1b" not in rest
    assert len(rest) < 10_000


async def test_security_labels_of_metrics_are_bounded_and_escaped() -> None:
    metrics = PrometheusMetrics()
    for number in range(5000):
        name = f"{number}{EVIL}" if number % 2 else str(number)
        metrics.target_state(target=name, reason=EVIL + str(number), figures={"entries": 1})
        metrics.write(target=name, result=EVIL + str(number))
        metrics.reconciled(controller=EVIL + str(number), seconds=1, failed=True)
    states = [
        sample
        for family in metrics.registry.collect()
        if family.name == "aks_access_target_state"
        for sample in family.samples
    ]
    assert len(states) == 2000
    assert {sample.labels["reason"] for sample in states} == {"Other"}
