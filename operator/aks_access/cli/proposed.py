"""What a change of files proposes: the objects that they hold, and those that Git deletes."""

import os
import tempfile
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from aks_access.api.names import Kind
from aks_access.cli.changes import Fork
from aks_access.cli.documents import Document
from aks_access.cli.inputs import Contents, contents
from aks_access.cli.snapshot import Paths, Snapshot, deleted, named, overlaid
from aks_access.errors import InputError
from aks_access.plan.wording import listed, sentence

_DELETIONS: Final = (
    "What Git deletes is not counted; with --base it is (the branch to merge into: origin/main)."
)


@dataclass(frozen=True, slots=True)
class Files:
    """What files hold, and what they held.

    Attributes:
        namespace: of grants that name none.
        given: paths of what they hold.
        gone: paths of what Git deletes.
        doubts: what is not known, in sentences.
    """

    documents: Sequence[Document]
    namespace: str
    given: Paths
    gone: Paths
    doubts: Sequence[str]

    @property
    def touched(self) -> Paths:
        """Paths of all that may change."""
        return {kind: self.given[kind] | self.gone[kind] for kind in self.given}

    def unknown(self, objects: Snapshot) -> Sequence[str]:
        """A sentence about what Git deletes and nobody has applied, or under another name."""
        places = {
            Kind.GRANT: objects.grants,
            Kind.TARGET: objects.targets,
            Kind.RANGE_SET: objects.sets,
        }
        lost = sorted(
            path for kind, place in places.items() for path in self.gone[kind] - place.keys()
        )
        if not lost:
            return ()
        return [
            f"Git deletes {listed(lost)}, which the management cluster has not: nothing goes with "
            "that. Where a file names no namespace, --namespace does."
        ]

    def applied(
        self, objects: Snapshot, *, now: datetime, skip: Set[str] = frozenset()
    ) -> Snapshot:
        """The objects as they are then; `skip`: paths of those that the API server refuses."""
        made = overlaid(
            objects, documents=self.documents, namespace=self.namespace, now=now, skip=skip
        )
        return deleted(made, gone=self.gone, now=now)


def proposed(
    paths: Sequence[str], *, fork: Fork | None, namespace: str, stdin: Callable[[], bytes]
) -> Files:
    """The files as they are, and what of them Git deletes. Raises InputError."""
    there = [each for each in paths if fork is None or Path(each).exists() or not fork.had(each)]
    found = contents(there, stdin=stdin)
    for each in found.broken:
        raise InputError(f"{each.source}:{each.position.line}: {sentence(each.message)}")
    given = named(found.documents, namespace=namespace)
    if fork is None:
        return Files(found.documents, namespace, given, named((), namespace=""), [_DELETIONS])
    before = _before(paths, fork=fork)
    held = named(before.documents, namespace=namespace)
    return Files(
        documents=found.documents,
        namespace=namespace,
        given=given,
        gone={kind: held[kind] - given[kind] for kind in held},
        doubts=[
            f"At {fork.base} {each.source} was no YAML: what it held is not known."
            for each in before.broken
        ],
    )


def _before(paths: Sequence[str], *, fork: Fork) -> Contents:
    """What has changed since, as it was; named as Git names it."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        names = fork.restore(paths, into=Path(root))
        found = contents(names, stdin=bytes)
    broken = (replace(each, source=os.path.relpath(each.source, root)) for each in found.broken)
    return replace(found, broken=tuple(broken))
