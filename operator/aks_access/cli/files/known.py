"""What grants are judged by: the targets, range sets and namespaces that are known.

Read from the API server or from files, and made facts by `projection`, here for every command.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from aks_access.api.names import Kind
from aks_access.cli.files.documents import Document
from aks_access.cli.files.schema import kind_of
from aks_access.plan import holders
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Namespace, RangeSet, Target
from aks_access.plan.offers import open_to
from aks_access.plan.outcome import Finding
from aks_access.projection import project_namespace, project_range_set, project_target

Raw = Mapping[str, Any]
WRITTEN: Final = ("labels", "annotations")
"""Metadata that a file decides, beside name and namespace."""

_NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
"""When a target of a file counts as made: after all that are there."""


def _remembers(target: Target) -> bool:
    return target.ledger_sequence is not None


@dataclass(slots=True)
class Surrounding:
    """Targets, range sets and namespaces, by name."""

    targets: dict[str, Target] = field(default_factory=dict)
    sets: dict[str, RangeSet] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)

    def take(
        self,
        *,
        targets: Iterable[Raw] = (),
        sets: Iterable[Raw] = (),
        namespaces: Iterable[Raw] = (),
    ) -> None:
        """Take in objects as the API server has them."""
        self.targets.update((each.name, each) for each in map(project_target, targets))
        self.sets.update((each.name, each) for each in map(project_range_set, sets))
        self.namespaces.update((each.name, each) for each in map(project_namespace, namespaces))

    def add(self, documents: Iterable[Document]) -> None:
        """Take in the targets, sets and namespaces among the objects of files."""
        for document in documents:
            kind = kind_of(document)
            if kind is Kind.TARGET:
                self._add_target(document)
            elif kind is Kind.RANGE_SET:
                self.take(sets=[written(document)])
            elif is_namespace(document):
                self.take(namespaces=[document.raw])

    def _add_target(self, document: Document) -> None:
        """As kubectl printed it, or as it becomes of the one that is there; else a new one."""
        metadata = document.raw.get("metadata")
        if isinstance(metadata, dict) and metadata.get("uid"):
            self.take(targets=[document.raw])
            return
        made = project_target(written(document))
        before = self.targets.get(made.name)
        self.targets[made.name] = (
            replace(made, uid=f"new:{made.name}", created=_NOT_YET)
            if before is None
            else replace(
                made,
                uid=before.uid,
                created=before.created,
                ledger_sequence=before.ledger_sequence,
                status=before.status,
            )
        )

    def open_to(self, namespace: str) -> list[str]:
        """The targets that take grants of a namespace, the first few."""
        return open_to(namespace, targets=self.targets.values(), namespaces=self.namespaces)

    def barriers(
        self,
        *,
        ledgers: Mapping[ClusterKey, Ledger] = {},
        remembers: Callable[[Target], bool] = _remembers,
    ) -> dict[str, Finding]:
        """What keeps targets from judging any grant, by the target's name; without it they do.

        `ledgers`, as far as they are known, say which of several targets holds a cluster, and
        `remembers` whether one has a ledger: it judges by that though it cannot be used.
        """
        found: dict[str, Finding] = {}
        for key in {target.key for target in self.targets.values()}:
            claimants = holders.claimants(self.targets.values(), key=key)
            holder = holders.incumbent(claimants, ledgers.get(key))
            for target in claimants:
                finding = holders.barrier(target, holder=holder)
                judges = holder is not None and holder.uid == target.uid and remembers(target)
                if finding is not None and not judges:
                    found[target.name] = finding
        return found


def is_namespace(document: Document) -> bool:
    """Whether it is a namespace of Kubernetes; Service Bus and others have such a kind too."""
    return (document.raw.get("apiVersion"), document.raw.get("kind")) == ("v1", "Namespace")


def written(document: Document, *, namespace: str = "") -> dict[str, Any]:
    """The object of a file, without what only the cluster says: a status in a file proves nothing.

    `namespace` is that of an object which names none.
    """
    found = document.raw.get("metadata")
    metadata = found if isinstance(found, dict) else {}
    place = metadata.get("namespace") or namespace
    kept = {name: metadata[name] for name in ("name", *WRITTEN) if name in metadata}
    return {
        **{key: document.raw[key] for key in ("apiVersion", "kind", "spec") if key in document.raw},
        "metadata": {**kept, **({"namespace": place} if place else {})},
    }
