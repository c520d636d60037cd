"""The probes and the metrics, asked over a real port on loopback."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from aks_access.errors import StartupError
from aks_access.ops.health import HealthServer, Liveness, Readiness, health_app
from aks_access.ops.metrics import PrometheusMetrics


class Served:
    """A server with everything it shows, and a client for it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.beat_age = 0.0
        self.readiness = Readiness("kubernetes", "caches")
        self.liveness = Liveness(
            beat_age=lambda: self.beat_age,
            beat_limit=30,
            relist_interval=600,
            monotonic=lambda: self.now,
        )
        self.metrics = PrometheusMetrics()
        app = health_app(
            liveness=self.liveness, readiness=self.readiness, registry=self.metrics.registry
        )
        self.server = HealthServer(app=app, host="127.0.0.1", port=0)
        self.port = 0
        self.session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.get(url, headers=headers) as response:
            return response.status, await response.text(), response


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    what = Served()
    what.port = await what.server.start()
    async with aiohttp.ClientSession() as what.session:
        yield what
    await what.server.stop()


async def test_livez_is_fine_while_the_loop_beats(served):
    status, text, _ = await served.get("/livez")
    assert status == 200
    assert text == "[+] loop: last beat 0.0 s ago, limit 30 s\nok\n"


async def test_livez_fails_when_the_loop_has_not_beaten(served):
    served.beat_age = 30.5
    status, text, _ = await served.get("/livez")
    assert status == 503
    assert text == "[-] loop: last beat 30.5 s ago, limit 30 s\nfailed\n"


async def test_livez_shows_the_age_of_the_last_complete_list(served):
    served.liveness.relisted("ApiAccessGrant", failed=False)
    served.now += 100
    status, text, _ = await served.get("/livez")
    assert status == 200
    assert "relist ApiAccessGrant: last complete list 100 s ago" in text


async def test_lists_that_fail_do_not_restart_the_process_but_lists_that_hang_do(served):
    served.liveness.relisted("ApiAccessGrant", failed=False)
    served.now += 3000
    served.liveness.relisted("ApiAccessGrant", failed=True)
    status, text, _ = await served.get("/livez")
    assert status == 200
    assert "last complete list 3000 s ago, last try ended 0 s ago" in text
    served.now += 3 * 600 + 61
    status, text, _ = await served.get("/livez")
    assert status == 503
    assert "[-] relist ApiAccessGrant" in text


async def test_readyz_waits_for_every_needed_check(served):
    status, text, _ = await served.get("/readyz")
    assert status == 503
    assert text == "[-] kubernetes: not known yet\n[-] caches: not known yet\nfailed\n"
    served.readiness.report("kubernetes", passed=True)
    served.readiness.report("caches", passed=False, detail="Namespace not listed yet")
    status, text, _ = await served.get("/readyz")
    assert (status, "[-] caches: Namespace not listed yet\n" in text) == (503, True)
    served.readiness.report("caches", passed=True)
    status, text, _ = await served.get("/readyz")
    assert (status, text) == (200, "[+] kubernetes: ok\n[+] caches: ok\nok\n")


async def test_readyz_shows_what_is_not_needed_and_stays_ready(served):
    for name in ("kubernetes", "caches"):
        served.readiness.report(name, passed=True)
    served.readiness.report("azure", passed=False, detail="No token", needed=False)
    served.readiness.report("role", passed=True, detail="follower", needed=False)
    status, text, _ = await served.get("/readyz")
    assert status == 200
    assert text.splitlines()[2:] == ["[!] azure: No token", "[+] role: follower", "ok"]


async def test_readyz_holds_no_secret_and_no_second_line(served):
    served.readiness.report("azure", passed=False, detail="https://h/?sig=S3CRET\n[+] all: ok")
    _, text, _ = await served.get("/readyz")
    assert "S3CRET" not in text
    assert "\n[+] all" not in text


async def test_metrics_are_prometheus_text(served):
    served.metrics.leader(leading=True)
    status, text, response = await served.get("/metrics")
    assert status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "\naks_access_leader 1.0\n" in text


async def test_metrics_are_openmetrics_where_asked(served):
    _, text, response = await served.get("/metrics", Accept="application/openmetrics-text")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/", "/healthz", "/livez/", "/metrics/x", "/debug", "/..%2f"])
async def test_there_is_nothing_else(served, path):
    status, _, response = await served.get(path)
    assert status == 404
    assert "Server" not in response.headers


async def test_nothing_can_be_posted(served):
    async with served.session.post(f"http://127.0.0.1:{served.port}/livez") as response:
        assert response.status == 405


async def test_a_port_that_is_taken_is_a_start_up_error_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        what = Served()
        server = HealthServer(
            app=health_app(
                liveness=what.liveness, readiness=what.readiness, registry=what.metrics.registry
            ),
            host="127.0.0.1",
            port=port,
        )
        with pytest.raises(StartupError, match=rf"--health-port {port} .*choose another port"):
            await server.start()
