"""A grant as a file of a Git tree: made anew, or the one of the last time brought up to date."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from aks_access.api.names import Kind
from aks_access.api.ranges import quoted
from aks_access.cli.files.documents import Document, documents
from aks_access.cli.files.inputs import read_bytes
from aks_access.cli.files.kustomizations import NAMES, with_resource
from aks_access.cli.files.nodes import BOM, YamlError, value_node
from aks_access.cli.files.schema import kind_of
from aks_access.cli.files.writing import replace
from aks_access.cli.grants.ask import Ask, as_yaml
from aks_access.cli.terminal.printable import printable
from aks_access.errors import InputError

_REPLACED: Final = ("targetSelector", "expiresAt", "duration", "notBefore", "ticketRef")
"""Fields of the last time that mean nothing beside the new target, end and reason."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Writes `NAME.yaml`, and names it in the folder's kustomization file where there is one."""

    path: Path

    def deliver(self, ask: Ask) -> Sequence[str]:
        """Write the file, or the new spec into the file of the last time."""
        file = self.path / f"{ask.name}.yaml"
        manifest = as_yaml(ask.manifest())
        is_new = not file.exists()
        replace(file, manifest if is_new else renewed(read_bytes(file), ask=ask, file=file))
        said = [f"{'wrote' if is_new else 'updated'} {file}, until {ask.spec()['expiresAt']}"]
        for name in NAMES:
            listing = self.path / name
            if listing.is_file():
                before = read_bytes(listing).decode(errors="surrogateescape")
                after = with_resource(before, file=listing, added=file)
                if after != before:
                    replace(listing, after)
                    said.append(f"updated {listing}")
        return [printable(line) for line in said]


def renewed(data: bytes, *, ask: Ask, file: Path) -> str:
    """The file's text with the grant's spec replaced; what is around the spec stays as it is.

    Fields that were not asked about (`retainAfterExpiry`, …) are taken over. Raises InputError
    where the file holds anything else, or a revoked grant.
    """
    mark = BOM.encode()
    if data.startswith(mark):  # the parser does not count it
        return BOM + renewed(data.removeprefix(mark), ask=ask, file=file)
    text, document = _own(data, ask=ask, file=file)
    spec = document.raw.get("spec")
    node = value_node(document.node, "spec")
    old = dict(spec) if isinstance(spec, dict) else {}
    if old.get("revoked") is True:
        raise InputError(
            f"{file}: the grant is revoked; take that out first, or use another --name."
        )
    asked = ask.spec()
    kept = {key: value for key, value in old.items() if key not in (*_REPLACED, *asked)}
    new = {**asked, **kept}
    if not isinstance(node, yaml.MappingNode) or node.flow_style or document.node.flow_style:
        raise InputError(f"{file}: spec is not written in lines of its own; use another --name.")
    key = next(key for key, _ in document.node.value if key.value == "spec")
    start, end = key.start_mark.index, _end(node, text)
    result = f"{text[:start]}{as_yaml({'spec': new}).rstrip()}{text[end:]}"
    if [each.raw for each in documents(result, source=str(file))] != [
        {**document.raw, "spec": new}
    ]:
        raise InputError(f"{file} cannot be edited safely; use another --name.")
    return result


def _own(data: bytes, *, ask: Ask, file: Path) -> tuple[str, Document]:
    """The text and the one object of a file, if that is the grant."""
    other = f"{file} is there and holds something else than grant {ask.name}; use another --name."
    try:
        text = data.decode()
        [document] = documents(text, source=str(file))
    except (UnicodeDecodeError, YamlError, ValueError) as error:
        raise InputError(other) from error
    if kind_of(document) is not Kind.GRANT or document.text("metadata", "name") != ask.name:
        raise InputError(other)
    namespace = document.text("metadata", "namespace")
    if ask.namespace and namespace != ask.namespace:
        where = f"namespace {quoted(namespace)}" if namespace else "no namespace"
        raise InputError(f"{file} names {where}, and not {ask.namespace}; use another --name.")
    if document.listed or document.mistakes:
        raise InputError(other)
    return text, document


def _end(node: yaml.Node, text: str) -> int:
    """Where the last value within a node ends, comments beside and below it left out."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    return len(text[:end].rstrip()) if end else end
