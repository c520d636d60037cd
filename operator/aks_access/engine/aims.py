"""Which grants may concern a target: an index, so that a plan need not look at every grant."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aks_access.plan.model import Grant, GrantUid


@dataclass(slots=True)
class Aims:
    """Grants by the target they name; those with a selector may concern any."""

    _named: dict[str, set[GrantUid]] = field(default_factory=dict)
    _selecting: set[GrantUid] = field(default_factory=set)

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

    def _forget(self, grant: Grant) -> None:
        self._selecting.discard(grant.uid)
        name = grant.target_name or ""
        uids = self._named.get(name)
        if uids is not None:
            uids.discard(grant.uid)
            if not uids:
                del self._named[name]

    def _remember(self, grant: Grant) -> None:
        if grant.selector is not None:
            self._selecting.add(grant.uid)
        elif grant.target_name:
            self._named.setdefault(grant.target_name, set()).add(grant.uid)
