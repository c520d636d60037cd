"""Which grants may concern a target: an index, so that a plan need not look at every grant."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from aks_access.plan.model import Grant, GrantUid

_Uids: TypeAlias = dict[GrantUid, None]
"""A set in the order of its making: whoever goes through it does the same each time."""


def status_targets(grant: Grant) -> set[str]:
    """The targets that the grant's status names: it may have been let in there."""
    targets = grant.status.get("targets")
    if not isinstance(targets, list):
        return set()
    return {str(item.get("name", "")) for item in targets if isinstance(item, dict)}


@dataclass(slots=True)
class Aims:
    """Grants by the target they name, and by those that their status does.

    Those with a selector may concern any.
    """

    _named: dict[str, _Uids] = field(default_factory=dict)
    _told: dict[str, _Uids] = field(default_factory=dict)
    _selecting: _Uids = field(default_factory=dict)

    def move(self, *, before: object, after: object) -> None:
        """An object changed from `before` to `after` (None = it was not, or is no more)."""
        if isinstance(before, Grant):
            self._forget(before)
        if isinstance(after, Grant):
            self._remember(after)

    def at(self, target: str) -> Iterator[GrantUid]:
        """The grants that may match the target of this name."""
        yield from self._named.get(target, ())
        yield from self._selecting

    def told(self, target: str) -> Iterator[GrantUid]:
        """The grants whose status names the target."""
        yield from self._told.get(target, ())

    def _forget(self, grant: Grant) -> None:
        self._selecting.pop(grant.uid, None)
        _drop(self._named, grant.target_name or "", grant.uid)
        for name in status_targets(grant):
            _drop(self._told, name, grant.uid)

    def _remember(self, grant: Grant) -> None:
        if grant.selector is not None:
            self._selecting[grant.uid] = None
        elif grant.target_name:
            self._named.setdefault(grant.target_name, {})[grant.uid] = None
        for name in status_targets(grant):
            self._told.setdefault(name, {})[grant.uid] = None


def _drop(index: dict[str, _Uids], name: str, uid: GrantUid) -> None:
    uids = index.get(name)
    if uids is not None:
        uids.pop(uid, None)
        if not uids:
            del index[name]
