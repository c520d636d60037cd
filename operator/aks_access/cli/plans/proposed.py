"""What a change of files proposes: the objects that they hold, and those that Git deletes."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from aks_access.api.names import Kind
from aks_access.cli.files.changes import Fork
from aks_access.cli.files.documents import Document
from aks_access.cli.files.findings import Check
from aks_access.cli.files.inputs import ENDINGS, Contents, contents
from aks_access.cli.files.known import Raw, written
from aks_access.cli.files.references import without_patches
from aks_access.cli.files.schema import check, is_ours, kind_of
from aks_access.cli.plans.snapshot import Paths, Snapshot, deleted, named, overlaid, path_of
from aks_access.cli.plans.words import Remark
from aks_access.errors import InputError
from aks_access.plan.wording import listed, sentence

_DROPPED: Final = frozenset({Check.UNKNOWN_FIELD, Check.DUPLICATE_KEY})
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
        refused: what no API server takes, whatever the cluster has.
    """

    documents: Sequence[Document]
    namespace: str
    given: Paths
    gone: Paths
    doubts: Sequence[str]
    refused: Sequence[Remark] = ()

    @property
    def touched(self) -> Paths:
        """Paths of all that may change."""
        return {kind: self.given[kind] | self.gone[kind] for kind in self.given}

    def unknown(self, objects: Snapshot) -> Sequence[str]:
        """Sentences about what Git deletes and nobody has applied, or GitOps leaves alone."""
        places = _places(objects)
        lost = sorted(
            path for kind, place in places.items() for path in self.gone[kind] - place.keys()
        )
        kept = sorted(path for paths in self._kept(objects).values() for path in paths)
        said = []
        if lost:
            said.append(
                f"Git deletes {listed(lost)}, which the management cluster has not: nothing goes "
                "with that. Where a file names no namespace, --namespace does."
            )
        if kept:
            said.append(f"Git deletes {listed(kept)}, which stays: it says there not to prune it.")
        return said

    def _kept(self, objects: Snapshot) -> Paths:
        """Paths of what Git deletes and GitOps does not."""
        places = _places(objects)
        return {
            kind: {path for path in paths if path in places[kind] and _stays(places[kind][path])}
            for kind, paths in self.gone.items()
        }

    def applied(
        self, objects: Snapshot, *, now: datetime, skip: Set[str] = frozenset()
    ) -> Snapshot:
        """The objects as they are then; `skip`: paths of those that the API server refuses."""
        made = overlaid(
            objects, documents=self.documents, namespace=self.namespace, now=now, skip=skip
        )
        kept = self._kept(objects)
        gone = {kind: paths - kept[kind] for kind, paths in self.gone.items()}
        return deleted(made, gone=gone, now=now)


def _places(objects: Snapshot) -> Mapping[Kind | None, Mapping[str, Raw]]:
    return {
        Kind.GRANT: objects.grants,
        Kind.TARGET: objects.targets,
        Kind.RANGE_SET: objects.sets,
        None: objects.namespaces,
    }


def _stays(raw: Raw) -> bool:
    """Whether the object says that its GitOps tool may not prune it."""
    annotations = raw["metadata"].get("annotations") or {}
    options = annotations.get("argocd.argoproj.io/sync-options", "").split(",")
    return (
        "Prune=false" in (option.strip() for option in options)
        or annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled"
    )


def proposed(
    paths: Sequence[str], *, fork: Fork | None, namespace: str, stdin: Callable[[], bytes]
) -> Files:
    """The files as they are, and what of them Git deletes. Raises InputError."""
    there = [each for each in paths if fork is None or Path(each).exists() or not fork.had(each)]
    found = contents(there, stdin=stdin)
    for each in found.broken:
        raise InputError(f"{each.source}:{each.position.line}: {sentence(each.message)}")
    every, (found, patches) = found.documents, without_patches(found)
    given = named(found.documents, namespace=namespace)
    refused, doubts = _checked(found.documents, namespace=namespace)
    doubts += [
        f"{patches[file]} takes {file} for a patch, and no object; give what it makes: "
        "kustomize build DIR | aks-access plan -"
        for file in patches
    ]
    if fork is None:
        none = named((), namespace="")
        return Files(found.documents, namespace, given, none, [*doubts, _DELETIONS], refused)
    before = _before(paths, fork=fork)
    held = named(before.documents, namespace=namespace)
    here = named(every, namespace=namespace)  # what is a patch by now is an object elsewhere
    gone = {kind: held[kind] - here[kind] for kind in held}
    moved = _elsewhere(gone, fork=fork, namespace=namespace)
    doubts += (
        f"{path} is in {file} now, which was not given: where that is applied too, it stays."
        for path, file in sorted(moved.items())
    )
    doubts += (
        f"At {fork.base} {each.source} was no YAML: what it held is not known."
        for each in before.broken
    )
    doubts += (
        f"{each} is a repository of its own, and another commit of it by now: what it held is not "
        "known."
        for each in fork.repositories(paths)
    )
    return Files(
        documents=found.documents,
        namespace=namespace,
        given=given,
        gone=gone,
        doubts=doubts,
        refused=refused,
    )


def _checked(documents: Iterable[Document], *, namespace: str) -> tuple[list[Remark], list[str]]:
    """What is wrong with objects by themselves: with which none is taken, and what kubectl drops.

    The fields of a spec are judged with what the cluster has.
    """
    refused: dict[str, Remark] = {}
    doubts = []
    for document in filter(is_ours, documents):
        own = namespace if kind_of(document) is Kind.GRANT else ""
        path = path_of(written(document, namespace=own))
        for each in check(document):
            if each.rule in _DROPPED:
                doubts.append(f"{path}, line {each.position.line}: {each.message}")
            elif each.rule == Check.UNKNOWN_KIND or each.field.startswith("metadata"):
                remark = Remark(about=path, reason=str(each.rule), message=each.message)
                refused.setdefault(path, remark)
    return list(refused.values()), doubts


def _elsewhere(gone: Paths, *, fork: Fork, namespace: str) -> dict[str, str]:
    """Those of the objects that are in other files of the branch now, and in which."""
    if not any(gone.values()):
        return {}
    files = [str(each) for each in fork.tracked() if each.suffix in ENDINGS and each.is_file()]
    found, _ = without_patches(contents(sorted(files), stdin=bytes))
    moved: dict[str, str] = {}
    for document in found.documents:
        for kind, paths in named([document], namespace=namespace).items():
            moved.update((path, os.path.relpath(document.source)) for path in paths & gone[kind])
    return moved


def _before(paths: Sequence[str], *, fork: Fork) -> Contents:
    """What has changed since, as it was; named as Git names it."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        names = fork.restore(paths, into=Path(root))
        found, _ = without_patches(contents(names, stdin=bytes))
    broken = (replace(each, source=os.path.relpath(each.source, root)) for each in found.broken)
    return replace(found, broken=tuple(broken))
