"""Hypothesis strategies: worlds in which nothing is as it should be, and planning goes on."""

from hypothesis import strategies as st

from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import (
    EntryState,
    Ledger,
    LedgerEntry,
    RefusedGrant,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import GrantUid
from aks_access.plan.world import Removals
from tests.unit.plan.build import HOUR, NOW, cluster, ledger, range_set, ranges, world
from tests.unit.plan.strategies import FOREIGN, NAMES, Case, grants, targets

texts = st.one_of(st.text(max_size=12), st.sampled_from([*FOREIGN, *NAMES, "ghost"]))
lists = st.lists(texts, max_size=6).map(tuple)
times = st.sampled_from([NOW - 10_000 * HOUR, NOW - HOUR, NOW, NOW + HOUR])
asked_for = st.dictionaries(texts, texts, max_size=3)


@st.composite
def junk_views(draw: st.DrawFn) -> ClusterView:
    return cluster(
        *draw(lists),
        is_open=draw(st.booleans()),
        resource_uid=draw(st.none() | texts),
        etag=draw(st.none() | texts),
        provisioning_state=draw(st.sampled_from(["Succeeded", "Failed", "Updating", "", "?"])),
        power_state=draw(st.sampled_from(["Running", "Stopped", ""])),
        outbound_type=draw(st.sampled_from(["loadBalancer", "none", "", "?"])),
        load_balancer_sku=draw(st.sampled_from(["standard", "standard", "basic", ""])),
        private=draw(st.integers(0, 5)) == 0,
        vnet_integration=draw(st.booleans()),
    )


@st.composite
def junk_entries(draw: st.DrawFn) -> LedgerEntry:
    return LedgerEntry(
        range=draw(texts),
        state=draw(st.sampled_from(list(EntryState))),
        owners=draw(lists),
        since=draw(times),
        unsettled=draw(st.booleans()),
        due=draw(st.none() | times),
        released=draw(lists),
        sets=draw(lists),
    )


@st.composite
def junk_ledgers(draw: st.DrawFn) -> Ledger:
    """Ledgers that no operator has written: names that are no ranges, and a search of nobody."""
    flight = WriteInFlight(
        desired=draw(lists),
        added=draw(lists),
        removed=draw(lists),
        started=draw(times),
        failed=draw(st.booleans()),
        resends=draw(st.booleans()),
        undoes=draw(lists),
    )
    search = Search(
        phase=draw(st.sampled_from(list(SearchPhase))),
        message=draw(texts),
        suspects=draw(asked_for),
        trying=draw(lists),
        stood=draw(lists),
    )
    refused = draw(asked_for)
    return ledger(
        mode=draw(st.sampled_from(["Merge", "Exclusive", "Observe"])),
        resource_uid=draw(st.none() | texts),
        sequence=draw(st.integers(-1, 5)),
        entries=draw(st.dictionaries(texts, junk_entries(), max_size=5)),
        names=draw(st.dictionaries(texts, texts, max_size=3)),
        in_flight=draw(st.sampled_from([None, flight])),
        writes=tuple(draw(st.lists(times, max_size=3))),
        verified=draw(st.none() | lists),
        refused={uid: RefusedGrant(asks=n, message="") for uid, n in refused.items()},
        search=draw(st.sampled_from([None, search])),
        probes=tuple(draw(st.lists(times, max_size=3))),
        ousted=draw(st.dictionaries(texts, times, max_size=3)),
        detached=draw(st.integers(0, 7)) == 0,
    )


@st.composite
def junk_cases(draw: st.DrawFn) -> Case:
    """Grants as they may be, on a target that may be gone; all else is junk."""
    items = [draw(grants(name)) for name in draw(st.sets(st.sampled_from(NAMES)))]
    uids = st.frozensets(st.sampled_from([*NAMES, "ghost"]).map(GrantUid), max_size=3)
    return Case(
        world=world(
            *items,
            target=draw(st.none() | targets() | targets()),
            sets=[range_set("office", *draw(st.sampled_from([(), ("20.0.0.4/31",)])))],
            deleted=draw(uids),
            unready=draw(uids),
            unconfirmed=draw(uids),
            additions=draw(st.booleans()),
            removals=draw(st.sampled_from([Removals.ALL, *Removals])),
            management_egress=draw(st.sampled_from([(), ranges("20.0.0.9")])),
            acknowledge=draw(texts),
            probe=draw(st.booleans()),
        ),
        view=draw(junk_views()),
        ledger=draw(junk_ledgers()),
    )
