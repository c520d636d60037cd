"""kopf's view of what is served, on a server of a few lines: all kinds are watched, or none."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from aks_access.engine.ports import Kind
from aks_access.kube.connection import Access
from aks_access.kube.informer import Informer
from aks_access.kube.resources import RESOURCES, Resource
from tests.unit.kube.recording_feed import RecordingFeed

WITHIN: Final = 20.0
"""Seconds for kopf to begin, on a busy machine."""

CRDS: Final = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False)


@dataclass
class Server:
    """Serves the kinds but for the plurals `away`, all of them empty, and watches without end."""

    away: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def resources(self) -> list[Resource]:
        return [each for each in (*RESOURCES.values(), CRDS) if each.plural not in self.away]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/api":
            return web.json_response({"versions": ["v1"]})
        if path == "/apis":
            return web.json_response({"groups": self.groups()})
        roots = {each.root for each in (*RESOURCES.values(), CRDS)}
        if path in roots:
            return web.json_response({"resources": self.listed(path)})
        if path not in {each.everywhere for each in self.resources}:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        plural = path.rsplit("/", 1)[-1]
        self.watched.add(plural)
        if self.watched == {each.plural for each in RESOURCES.values()}:
            self.complete.set()
        stream = web.StreamResponse()
        await stream.prepare(request)
        await self.closed.wait()
        return stream

    def groups(self) -> list[dict[str, object]]:
        return [
            {
                "name": each.group,
                "versions": [{"groupVersion": each.api_version, "version": each.version}],
                "preferredVersion": {"groupVersion": each.api_version, "version": each.version},
            }
            for each in (RESOURCES[Kind.GRANT], CRDS)
        ]

    def listed(self, root: str) -> list[dict[str, object]]:
        return [
            {
                "name": each.plural,
                "singularName": "",
                "kind": each.plural.title(),
                "namespaced": each.namespaced,
                "verbs": ["get", "list", "watch"],
            }
            for each in self.resources
            if each.root == root
        ]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def informer(server: Server, tmp_path: Path) -> AsyncIterator[Informer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "clusters": [{"name": "here", "cluster": {"server": url(runner)}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
            }
        )
    )
    informer = Informer(access=Access(kubeconfig=str(kubeconfig)), feed=RecordingFeed())
    yield informer
    await informer.stop()
    server.closed.set()
    await runner.cleanup()


def url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def test_it_says_when_every_kind_is_watched(server: Server, informer: Informer) -> None:
    informer.start()
    await asyncio.wait_for(informer.watching, WITHIN)
    await asyncio.wait_for(server.complete.wait(), WITHIN)
    assert not informer.failed.done()


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.TARGET, Kind.RANGE_SET])
async def test_it_ends_where_a_kind_is_not_served_at_its_start(
    server: Server, informer: Informer, kind: Kind
) -> None:
    """kopf itself goes on without that kind, and never looks for it again."""
    server.away.add(RESOURCES[kind].plural)
    informer.start()
    problem = await asyncio.wait_for(informer.failed, WITHIN)
    assert str(problem) == (
        "the watches of the API server ended: the API server does not serve "
        f"{RESOURCES[kind].plural} in aksaccess.dev/v1alpha1"
    )
    assert not informer.watching.done()
