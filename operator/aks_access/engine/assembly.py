"""Puts the reconcilers together from ports, store and their parts."""

from aks_access.engine.announcer import Announcer
from aks_access.engine.assessor import Assessor
from aks_access.engine.board import Board
from aks_access.engine.claims import Claims
from aks_access.engine.config import EngineConfig
from aks_access.engine.grant_reports import GrantReports
from aks_access.engine.grants import GrantReconciler
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.orphans import Orphans
from aks_access.engine.outages import Outages
from aks_access.engine.ports import Ports
from aks_access.engine.publisher import Publisher
from aks_access.engine.records import Records
from aks_access.engine.routing import Router
from aks_access.engine.store import Store
from aks_access.engine.targets import TargetReconciler
from aks_access.engine.worlds import Worlds
from aks_access.engine.writer import Writer
from aks_access.plan.model import ClusterKey


def target_reconciler(
    *,
    ports: Ports,
    config: EngineConfig,
    store: Store,
    worlds: Worlds,
    board: Board,
) -> TargetReconciler:
    """The reconciler of clusters."""
    memories: dict[ClusterKey, ClusterMemory] = {}
    announcer = Announcer(audit=ports.audit, events=ports.events, metrics=ports.metrics)
    orphans = Orphans(ledgers=ports.ledgers, events=ports.events)
    publisher = Publisher(
        board=board,
        store=store,
        objects=ports.objects,
        events=ports.events,
        metrics=ports.metrics,
        clock=ports.clock,
        orphans=orphans,
    )
    claims = Claims(
        store=store,
        board=board,
        objects=ports.objects,
        ledgers=ports.ledgers,
        publisher=publisher,
        announcer=announcer,
        config=config,
        memories=memories,
        orphans=orphans,
    )
    assessor = Assessor(
        store=store,
        worlds=worlds,
        clusters=ports.clusters,
        objects=ports.objects,
        config=config,
    )
    records = Records(ledgers=ports.ledgers, claims=claims)
    return TargetReconciler(
        store=store,
        worlds=worlds,
        assessor=assessor,
        claims=claims,
        records=records,
        outages=Outages(
            assessor=assessor,
            claims=claims,
            records=records,
            ledgers=ports.ledgers,
            publisher=publisher,
            announcer=announcer,
            clock=ports.clock,
            config=config,
        ),
        writer=Writer(
            clusters=ports.clusters,
            ledgers=ports.ledgers,
            leadership=ports.leadership,
            put_timeout=config.put_timeout,
        ),
        clusters=ports.clusters,
        publisher=publisher,
        announcer=announcer,
        config=config,
        memories=memories,
    )


def grant_reconciler(
    *,
    ports: Ports,
    config: EngineConfig,
    store: Store,
    worlds: Worlds,
    board: Board,
    router: Router,
) -> GrantReconciler:
    """The reconciler of grants."""
    return GrantReconciler(
        store=store,
        worlds=worlds,
        board=board,
        reports=GrantReports(store=store, worlds=worlds, board=board, clock=ports.clock),
        objects=ports.objects,
        activations=ports.activations,
        events=ports.events,
        audit=ports.audit,
        clock=ports.clock,
        config=config,
        hint=router.hint,
        nudge=router.nudge,
    )
