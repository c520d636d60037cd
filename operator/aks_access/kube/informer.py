"""kopf as an informer and nothing else, in a thread and an event loop of its own.

`on.event` handlers make kopf watch, reconnect and log in again, and never make it write: no
finalizer, no annotation, no status. A thread of its own leaves the process's signals and the
engine's tasks alone (kopf cancels every task of its loop when it ends). Each object is handed to
the engine's loop as raw JSON; nothing is decided here. kopf never reports what went while a watch
was broken: `relist.py` does.
"""

import asyncio
import logging
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final

import kopf

# What an embedded `watch` of kopf takes; nothing public makes them.
from kopf._cogs.structs.references import Insights, Resource
from kopf._core.engines.peering import Identity

from aks_access.engine.feed import Feed
from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from aks_access.kube.answers import without_managed_fields
from aks_access.kube.connection import Access
from aks_access.kube.resources import RESOURCES

logger = logging.getLogger(__name__)

IDLE_TIMEOUT: Final = 70.0
"""Seconds of silence after which a watch is connected anew; bookmarks come once a minute."""

_SOCKETS_CLOSE: Final = 0.25
"""Seconds that the loop goes on for TLS connections to be closed (aiohttp, Graceful Shutdown)."""

_CANCEL_AGAIN: Final = 0.5
"""Seconds that tasks of kopf have to end in before they are cancelled once more."""

_REASON_LIMIT: Final = 500
"""Characters of what ended kopf: it quotes the API server's whole answer."""

_IDENTITY: Final = Identity("aks-access-operator")
"""For kopf's peers, of which there are none: its own guess fails for a user without a name."""

_NOT_MAIN_THREAD: Final = "OS signals are ignored"
_RETRIES: Final = (1, 1, 2, 3, 5, 8, 13, 21, *(30,) * 20)
"""Seconds between tries of a watch that is answered 5xx: about 11 minutes, then kopf gives up."""


def settings(*, idle_timeout: float) -> kopf.OperatorSettings:
    """kopf's settings for a clusterwide informer that writes nothing."""
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True
    chosen.scanning.disabled = True  # what is served is checked at each start, see `_require`
    chosen.posting.enabled = False
    chosen.execution.max_workers = 4
    chosen.queueing.worker_limit = None
    chosen.queueing.idle_timeout = 0.05  # a worker per object is kept for this long
    chosen.watching.chunk_size = 500
    chosen.watching.inactivity_timeout = idle_timeout
    chosen.watching.connect_timeout = 10.0
    chosen.watching.server_timeout = 600
    chosen.watching.reconnect_backoff = 1.0
    chosen.networking.request_timeout = 60.0
    chosen.networking.connect_timeout = 10.0
    chosen.networking.error_backoffs = _RETRIES
    chosen.process.ultimate_exiting_timeout = None  # it would SIGKILL the whole process
    return chosen


class Informer:
    """Watches every kind and feeds the store, from `start` to `stop`.

    A watch that is silent for `idle_timeout` seconds is connected anew.

    `failed` is done, with the reason as its result, when kopf ends without being told to, or began
    without a kind that was not served just then (kopf would never look for it again): nothing is
    watched any more then (`watches.py` starts another Informer).
    """

    def __init__(self, *, access: Access, feed: Feed, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._idle_timeout = idle_timeout
        self._access = access
        self._feed = feed
        self._engine: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ended: asyncio.Future[None] | None = None
        self._failed: asyncio.Future[KubeError] | None = None
        self._watching: asyncio.Future[None] | None = None

    @property
    def watching(self) -> asyncio.Future[None]:
        """Done when every kind was found served and its watch begun; valid after `start`."""
        if self._watching is None:
            raise RuntimeError("the informer was not started")
        return self._watching

    @property
    def failed(self) -> asyncio.Future[KubeError]:
        """Done when the informer died. Its result says why; valid after `start`."""
        if self._failed is None:
            raise RuntimeError("the informer was not started")
        return self._failed

    def start(self) -> None:
        """Start watching; call it on the engine's loop, once. Returns at once."""
        if self._thread is not None:
            raise RuntimeError("the informer was started already")
        self._engine = asyncio.get_running_loop()
        self._failed = self._engine.create_future()
        self._ended = self._engine.create_future()
        self._watching = self._engine.create_future()
        _quieten_kopf()
        self._thread = threading.Thread(target=self._run, name="informer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Stop watching; nothing is fed once this is called. Returns when the thread has ended."""
        self._stopping.set()
        if self._ended is None or self._thread is None:
            return
        if self._loop is not None and not self._ended.done():
            # An ended kopf has closed its loop, but then `_ended` is about to be done.
            try:
                self._loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:
                logger.debug("the informer ended by itself while it was told to stop")
        await self._ended
        self._thread.join()

    def _run(self) -> None:
        problem: BaseException | None = None
        try:
            asyncio.run(self._operate())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            problem = error
        self._on_engine(self._end, problem)

    async def _operate(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        if self._stopping.is_set():
            return
        roots: Collection[asyncio.Task[None]] = ()
        insights = Insights()
        try:
            roots = await kopf.spawn_tasks(
                registry=self._registry(),
                settings=settings(idle_timeout=self._idle_timeout),
                identity=_IDENTITY,
                insights=insights,
                clusterwide=True,
                standalone=True,
            )
            looked = asyncio.create_task(insights.ready_resources.wait())
            await asyncio.wait([*roots, looked], return_when=asyncio.FIRST_COMPLETED)
            if looked.done():
                _require(insights.watched_resources)
                self._on_engine(self._begun)
            ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
            for root in ended:
                root.result()
        finally:
            await _end_all(roots)
            await asyncio.sleep(_SOCKETS_CLOSE)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._log_in)
        for kind, resource in RESOURCES.items():
            kopf.on.event(
                resource.group,
                resource.version,
                resource.plural,
                id=kind.value.lower(),
                param=kind,
                registry=registry,
            )(self._seen)
        return registry

    async def _log_in(self, **_: Any) -> kopf.ConnectionInfo:
        """kopf asks at the start, and again after each 401."""
        loaded = await self._access.configuration()
        scheme, _, token = loaded.api_key.get("BearerToken", "").partition(" ")
        return kopf.ConnectionInfo(
            server=loaded.host,
            ca_path=loaded.ssl_ca_cert,
            insecure=not loaded.verify_ssl,
            scheme=scheme.capitalize() or None,
            token=token or None,
            certificate_path=loaded.cert_file,
            private_key_path=loaded.key_file,
            proxy_url=loaded.proxy,
            trust_env=True,
        )

    async def _seen(self, *, event: Any, param: Any = None, **_: Any) -> None:
        raw: Mapping[str, object] = without_managed_fields(event["object"])
        tell = self._feed.deleted if event["type"] == "DELETED" else self._feed.changed
        self._on_engine(self._tell, tell, param, raw)

    def _tell(self, tell: Any, kind: Kind, raw: Mapping[str, object]) -> None:
        if not self._stopping.is_set():
            tell(kind, raw)

    def _on_engine(self, call: Any, *arguments: object) -> None:
        assert self._engine is not None
        try:
            self._engine.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the engine's loop is closed: nobody is left to tell
            logger.debug("an event came after the engine's end")

    def _begun(self) -> None:
        assert self._watching is not None
        if not self._watching.done():
            self._watching.set_result(None)

    def _end(self, problem: BaseException | None) -> None:
        assert self._ended is not None
        assert self._failed is not None
        if not self._ended.done():
            self._ended.set_result(None)
        if not self._stopping.is_set() and not self._failed.done():
            told = "it ended by itself" if problem is None else str(problem)
            if problem is not None and not isinstance(problem, KubeError):
                told = f"{type(problem).__name__}: {problem}"
            self._failed.set_result(
                KubeError(f"the watches of the API server ended: {told[:_REASON_LIMIT]}")
            )


def _require(watched: Collection[Resource]) -> None:
    """kopf logs of a kind that is not served, and watches the others without it for good."""
    served = {(each.group, each.version, each.plural) for each in watched}
    missing = [
        f"{each.plural} in {each.api_version}"
        for each in RESOURCES.values()
        if (each.group, each.version, each.plural) not in served
    ]
    if missing:
        raise KubeError(f"the API server does not serve {', '.join(missing)}")


async def _end_all(roots: Collection[asyncio.Task[None]]) -> None:
    """Cancel kopf's root tasks, then again and again what they leave behind.

    kopf itself cancels once and waits. But a watch that is cancelled together with its pause waiter
    takes it for a pause, goes on, and waits without end for a login that nobody makes any more.
    """
    going: set[asyncio.Task[Any]] = set(roots)
    while True:
        seen = going | _others()
        for task in going:
            task.cancel()
        if going:
            await asyncio.wait(going, timeout=_CANCEL_AGAIN)
        for task in seen:
            if task.done() and not task.cancelled():
                task.exception()  # kopf has told it; asyncio would tell it once more
        going = _others()
        if not going:
            return


def _others() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def _quieten_kopf() -> None:
    """kopf tells of each event it handled, and warns at each start that signals are not its own."""
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").addFilter(_not_about_signals)


def _not_about_signals(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_NOT_MAIN_THREAD)
