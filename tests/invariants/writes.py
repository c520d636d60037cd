"""What every PUT of the operator is judged by, at the moment it is sent.

A PUT is excused by anything that the operator could know at that moment: the objects as they are,
and as they were so long ago as its watches may lag behind.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from tests.facts import (
    SENTINEL,
    WIDEST_GRANT,
    Raw,
    asked,
    deleting,
    instant,
    names_target,
    network,
    part,
    path_of,
    size,
    uid_of,
)
from tests.history import Result, Write
from tests.invariants.landscape import Landscape, World
from tests.invariants.site import HOUR, Site, names
from tests.reference import (
    Case,
    baseline,
    egress,
    egress_known,
    ends,
    idle,
    nodes_need_nothing,
    over,
    refusal,
    verdicts,
)

MOST_ADDED = 1 << 30
"""Addresses that one write may add: a quarter of IPv4."""
MASS = 5
RESERVED = 4.5
"""Writes that only revocations may use, with half a one for the rounding of times."""
REVERSALS = 3

Finding = tuple[str, str]
"""The invariant and the sentence."""


@dataclass
class Sent:
    """A PUT with what surrounds it."""

    write: Write
    site: Site
    land: Landscape

    @cached_property
    def added(self) -> set[str]:
        """The canonical entries that it adds."""
        return names(self.write.sent) - names(self.write.before)

    @cached_property
    def removed(self) -> set[str]:
        """The canonical entries that it takes out."""
        return names(self.write.before) - names(self.write.sent)

    @cached_property
    def cases(self) -> list[Case]:
        """The cluster's case with each of its targets, now and as the operator may see it."""
        return [
            self.land.case(site=self.site, target=target, world=world)
            for world in self.views
            for target in world.targets(self.site.key)
        ]

    @cached_property
    def views(self) -> list[World]:
        """The objects now, and as the operator may see them."""
        return list(self.land.views())

    @cached_property
    def targets(self) -> list[Raw]:
        """The targets, one for each case."""
        return [case.target for case in self.cases]

    @cached_property
    def fixed(self) -> set[str]:
        """What the platform wants in any of the cases."""
        return self.site.platform.union(*map(self.land.fixed, self.cases))

    @property
    def restores(self) -> bool:
        """Somebody had cleared the list."""
        return self.write.before is None and self.site.restricted

    def explained(self, entry: str) -> bool:
        """Whether somebody who may asks for just this entry."""
        back = self.site.cleared | self.site.waiting.keys()
        if entry in self.fixed or (self.restores and entry in back):
            return True
        return any(
            names_target(grant, case.target)
            and entry in asked(grant, case.sets)
            and not refusal(case, grant)
            for case in self.cases
            if not deleting(case.target)
            for grant in case.grants
        )


def judge_write(write: Write, site: Site, land: Landscape) -> Iterator[Finding]:
    """Everything that is wrong with a PUT of the operator."""
    sent = Sent(write, site, land)
    if not write.sent:
        what = "no list" if write.sent is None else "an empty list"
        yield "I1", f"a PUT with {what} opens the cluster"
        return
    unseen = write.result is not Result.OK and site.began > site.read
    for rule in MEANT if unseen or write.result is Result.CHANGED else RULES:
        yield from rule(sent)


def never_open(sent: Sent) -> Iterator[Finding]:
    """I1: nothing wide, nothing that is no range, the sentinel alone and only where it may be."""
    floors = [
        max(part(t, "spec", "policy", "minPrefixLength") or 24, WIDEST_GRANT) for t in sent.targets
    ]
    floor = min(floors, default=WIDEST_GRANT)
    new = sent.added - (sent.site.cleared if sent.restores else set())
    for entry in sorted(new):
        found = network(entry)
        if found is None:
            yield "I1", f"the PUT adds {entry}, which is no IPv4 range"
        elif found.prefixlen == 0:
            yield "I1", f"the PUT adds {entry}: everybody"
        elif entry not in sent.fixed and found.prefixlen < floor:
            yield "I1", f"the PUT adds {entry}, wider than /{floor}, the policy's limit for a grant"
    if size(new) > MOST_ADDED:
        yield "I1", "the PUT adds more than a quarter of all addresses"
    entries, facts = names(sent.write.sent), sent.site.facts
    if SENTINEL in entries and len(entries) > 1:
        yield "I1", f"the PUT has {SENTINEL} beside other entries"
    elif SENTINEL in sent.added and not nodes_need_nothing(
        outbound=facts.outbound, vnet=facts.vnet
    ):
        yield "I1", f"{SENTINEL} alone cuts off nodes with outbound type {facts.outbound}"


def nothing_else(sent: Sent) -> Iterator[Finding]:
    """I2: no other property, and in Merge every foreign entry as it was written."""
    if sent.write.damage:
        yield "I2", f"the PUT changed {', '.join(sent.write.damage)}"
    if any(part(t, "spec", "mode") == "Exclusive" and not deleting(t) for t in sent.targets):
        return
    if sent.write.result is Result.FAILED:
        return  # the list may have moved since it was read, and nothing was written over it
    spelled = set(sent.write.sent or ())
    for entry, spelling in sorted(sent.site.foreign.items()):
        if entry in names(sent.write.before) and spelling not in spelled:
            yield "I2", f"the foreign entry {spelling} is lost"


def cause_for_each(sent: Sent) -> Iterator[Finding]:
    """I3 and I10: every entry that is added is somebody's who may, and whose time is not over."""
    for entry in sorted(sent.added - {SENTINEL}):
        if not sent.explained(entry):
            expired = [
                path_of(grant)
                for case in sent.cases[:1]
                for grant in case.grants
                if entry in asked(grant, case.sets) and over(case, grant)
            ]
            if expired:
                yield "I10", f"the PUT adds {entry} for {expired[0]}, whose time is over"
            else:
                yield "I3", f"the PUT adds {entry}, and no live, accepted grant asks for it"
        elif sent.land.latest is not None and sent.land.latest > sent.land.now:
            yield from _reopened(sent, entry)


def _reopened(sent: Sent, entry: str) -> Iterator[Finding]:
    """I10: a clock that steps back gives no time again to what it had closed.

    A grant that was made after the entry went was not closed then.
    """
    if entry in sent.fixed or entry not in sent.site.past or not sent.cases:
        return
    case, latest = sent.cases[0], sent.land.latest
    gone = sent.land.history.epoch + timedelta(seconds=sent.site.past[entry])
    asking = [
        grant
        for grant in case.grants
        if entry in asked(grant, case.sets)
        and not refusal(case, grant)
        and (instant(part(grant, "metadata", "creationTimestamp")) or gone) <= gone
    ]
    last = [ends(case, grant) for grant in asking]
    if asking and latest and all(end is not None and end <= latest for end in last):
        yield "I10", f"the PUT adds {entry} for {path_of(asking[0])}, which was over before"


def recorded_first(sent: Sent) -> Iterator[Finding]:
    """I5: the ledger names what a PUT adds before the PUT."""
    known = sent.site.own.entries if sent.site.own is not None else None
    held = {e for e, item in (known or {}).items() if item.state != "withdrawn"}
    kept = sent.site.cleared if sent.restores else set()
    for entry in sorted(sent.added - held - kept - sent.fixed - {SENTINEL}):
        yield "I5", f"the PUT adds {entry}, and no ledger written before names it"


def one_writer(sent: Sent) -> Iterator[Finding]:
    """I6: conditional, one at a time, and only under the Lease."""
    write = sent.write
    if not write.if_match:
        yield "I6", "the PUT has no If-Match"
    running = sent.site.working(write.at)
    alone = sent.land.alive <= 1  # a leader that has just lost the Lease may have sent the other
    if running is not None and alone and write.result is not Result.CHANGED:
        yield "I6", f"the operation of the PUT at {running.at:.2f} still runs"
    if write.lease is not None and write.lease < write.needed:
        yield "I6", f"the Lease is held for {write.lease:.1f} s, a PUT may take {write.needed:.1f}"


def never_create(sent: Sent) -> Iterator[Finding]:
    """I7: a PUT that brings a cluster into being."""
    if sent.write.created or (not sent.write.existed and sent.write.result is Result.OK):
        yield "I7", "the PUT creates a cluster"


def no_partial_view(sent: Sent) -> Iterator[Finding]:
    """I8: what a grant is entitled to stays; a large removal that may be a mistake is held."""
    ours = sent.site.ours & names(sent.write.before)
    doubtful = {
        entry
        for entry in sent.removed & ours
        if (debt := sent.site.debts.get(entry)) is not None and debt.guarded
    }
    if len(doubtful) > MASS and len(doubtful) * 2 > len(ours) and not sent.site.acknowledged:
        yield "I8", f"{len(doubtful)} of {len(ours)} entries go, and nobody has acknowledged it"
    blind = not all(world.targets(sent.site.key) for world in sent.views)
    if sent.land.doubt or sent.land.offset or blind:
        return
    refused = sent.site.refused
    for entry in sorted(sent.removed & ours):
        if all(_entitled(case, entry, refused) for case in sent.cases):
            yield "I8", f"the PUT takes out {entry}, which a live grant asks for"


def _entitled(case: Case, entry: str, refused: Set[str]) -> bool:
    """Whether a grant that is surely live and let in asks for the entry; see `Site.refused`."""
    policy = part(case.target, "spec", "policy") or {}
    limited = {"maxGrantsPerNamespace", "maxEntriesPerNamespace"} & set(policy)
    full = len(case.live or ()) >= (2000 if case.vnet else 200)
    if limited or full or part(case.target, "spec", "mode") == "Observe":
        return False
    found = verdicts(replace(case, lenient=False))
    return any(
        found.get(uid_of(grant)) == ""
        and entry in asked(grant, case.sets)
        and not refused & asked(grant, case.sets)
        for grant in case.grants
    )


def no_lockout(sent: Sent) -> Iterator[Finding]:
    """I12: no cluster closed unasked, and what must always be let in never taken out."""
    if sent.land.world.targets(sent.site.key) and all(idle(target) for target in sent.targets):
        yield "I12", "the target only observes, is suspended or detaches: the list is not ours"
    if sent.write.before is None and not sent.site.restricted:
        yield from _closing(sent)
    present = [case for case in sent.cases if not _broken(case.target)]
    if not present:
        return
    always = set.intersection(*map(sent.land.fixed, present))
    for entry in sorted(sent.removed & always):
        yield "I12", f"the PUT takes out {entry}, which the platform wants always"


def _broken(target: Raw) -> bool:
    return not isinstance(part(target, "spec", "policy"), dict)


def _closing(sent: Sent) -> Iterator[Finding]:
    opted = [c for c in sent.cases if part(c.target, "spec", "restrictUnrestricted") is True]
    if not opted:
        yield "I12", "the PUT closes an open cluster, and nobody opted in"
    elif not any(egress_known(case) for case in opted):
        yield "I12", "the PUT closes a cluster whose nodes' egress is not known"
    elif not any(
        names(sent.write.sent) & (baseline(c.target, c.sets) | set(c.management)) for c in opted
    ):
        yield "I12", "the PUT closes a cluster without a baseline or management egress"


def no_tug_of_war(sent: Sent) -> Iterator[Finding]:
    """I13: after three reversals within an hour an entry returns once an hour, but for egress."""
    at = sent.write.at
    if sent.write.before is None:
        return
    vital = {entry for c in sent.cases for entry in egress(c.target) | set(c.management)}
    for entry in sorted(sent.added - vital):
        lost = [t for t in sent.site.reversals.get(entry, ()) if at - t < HOUR]
        last = sent.site.returned.get(entry)
        if len(lost) >= REVERSALS and last is not None and at - last < HOUR:
            yield "I13", f"{entry} returns {at - last:.0f} s after the last time it was taken out"


def revocation_first(sent: Sent) -> Iterator[Finding]:
    """I4: after a refusal the removals go alone, and the last writes are theirs."""
    standing = names(sent.write.before)
    due = {e for e, debt in sent.site.debts.items() if e in standing and not debt.patient}
    refused = next(iter(sent.site.writes[-1:]), None)
    mixed = refused is not None and bool(names(refused.sent) - names(refused.before))
    adds = sent.added - {SENTINEL}
    if refused is not None and mixed and refused.result is Result.INVALID and adds:
        waited = due & (names(refused.before) - names(refused.sent))
        if waited:
            yield "I4", f"the removal of {min(waited)} is tried again together with additions"
    alone = not sent.removed & set(sent.site.debts)
    left = sent.site.tokens(sent.write.at)
    if alone and sent.added and sent.write.before is not None and left < RESERVED:
        yield "I4", f"an addition takes one of the last {left:.1f} writes"


RULES: tuple[Callable[[Sent], Iterator[Finding]], ...] = (
    never_open,
    nothing_else,
    cause_for_each,
    recorded_first,
    one_writer,
    never_create,
    no_partial_view,
    no_lockout,
    no_tug_of_war,
    revocation_first,
)


MEANT = (one_writer, never_create)
"""What holds for a list that was refused, made from a list, or a cluster, that had gone by then:
what it would have added cannot be told from outside."""


def no_change(sent: Write, site: Site) -> Iterator[Finding]:
    """I11: a PUT of the list that stands, though nothing failed before."""
    before = site.writes[-1] if site.writes else None
    again = before is not None and (before.failed or before.result is Result.UNCERTAIN)
    settled = site.facts.provisioning == "Succeeded"
    equal = sent.before is not None and names(sent.before) == names(sent.sent)
    if sent.result is Result.OK and settled and equal and not again:
        yield "I11", "the PUT sends the list that stands already"
