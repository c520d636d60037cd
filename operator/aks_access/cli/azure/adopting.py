"""From a cluster as Azure has it to a target's manifest to look through, comments and all.

The live list becomes the baseline, as far as a baseline can have it, so that nobody loses access;
what it cannot have stays somebody else's, which mode Merge keeps.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aks_access.api.arm import ArmId
from aks_access.api.names import API_VERSION, OPERATOR_NAMESPACE, Kind
from aks_access.api.ranges import RangeError, parse_public
from aks_access.cli.terminal.printable import blanked
from aks_access.plan.broad import broad
from aks_access.plan.cluster import ClusterView
from aks_access.plan.egress import nodes_let_in_by_azure
from aks_access.plan.grant_sentences import unsupported_sentence
from aks_access.plan.listing import SENTINEL, Listing, canonical
from aks_access.plan.wording import instant, sentence

LONGEST_NAME: Final = 63
"""Of a target: it stands in labels, too."""

NOBODY: Final = OPERATOR_NAMESPACE
"""The namespace that may ask for access where no other is named: where the operator is, nobody."""

_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_ENVIRONMENT: Final = ("environment", "env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A cluster as it was read.

    Attributes:
        egress: the addresses its nodes leave by, as far as Azure told; canonical.
    """

    view: ClusterView
    egress: tuple[str, ...] = ()

    @property
    def unsupported(self) -> str:
        """Why authorized ranges do not apply to it; "" where they do."""
        kind = "private cluster" if self.view.private else ""
        if self.view.load_balancer_sku == "basic":
            kind = "Basic load balancer"
        if not kind:
            return ""
        said = unsupported_sentence(kind=kind, cluster=self.view.resource_id, on_grant=False)
        return sentence(said.removesuffix(" delete this target.").rstrip(";").removesuffix(", or"))

    @property
    def implicit(self) -> bool:
        """Whether the nodes get in whatever the list says."""
        return nodes_let_in_by_azure(self.view)


def names(ids: Iterable[str], *, taken: Iterable[str]) -> dict[str, str]:
    """A target's name for each cluster: the cluster's, with its group where that is not enough.

    The same whatever else is adopted with it, but for clusters of the same name.
    """
    parsed = {each: ArmId.parse(each) for each in ids}
    plain = {each: _name(arm.name) for each, arm in parsed.items()}
    grouped = {each: _name(f"{arm.name}-{arm.group}") for each, arm in parsed.items()}
    held = set(taken)
    found: dict[str, str] = {}
    for each in parsed:
        found[each] = next(
            name
            for name, rivals in (
                (plain[each], Counter(plain.values())),
                (grouped[each], Counter(grouped.values())),
                (_hashed(plain[each], each), Counter()),
            )
            if rivals[name] <= 1 and name not in held
        )
        held.add(found[each])
    return found


def _name(text: str) -> str:
    made = _NO_NAME.sub("-", text.lower()).strip("-") or "cluster"
    return made if len(made) <= LONGEST_NAME else _hashed(made, text)


def _hashed(name: str, text: str) -> str:
    end = hashlib.sha256(text.lower().encode()).hexdigest()[:6]
    return f"{name[: LONGEST_NAME - len(end) - 1].rstrip('-')}-{end}"


def manifest(found: Found, *, name: str, namespaces: Sequence[str], now: datetime) -> Iterator[str]:
    """The lines of a target in mode Observe."""
    view = found.view
    yield from _about(found, now=now)
    yield f"apiVersion: {API_VERSION}"
    yield f"kind: {Kind.TARGET}"
    yield "metadata:"
    yield f"  name: {name}"
    yield from _labels(view)
    yield "spec:"
    yield f"  resourceId: {ArmId.parse(view.resource_id)}"
    yield "  mode: Observe # nothing is written; DIFF shows what Merge would do"
    yield from _baseline(found)
    yield from _node_egress(found)
    yield "  policy:"
    yield "    allowedNamespaces: # who may ask for access"
    yield "      from: Selector"
    yield "      selector:"
    yield "        matchExpressions:"
    yield "          - key: kubernetes.io/metadata.name"
    yield "            operator: In"
    yield f"            values: [{', '.join(namespaces or (NOBODY,))}]"
    yield "    maxDuration: 24h"


def _about(found: Found, *, now: datetime) -> Iterator[str]:
    view = found.view
    size = "open to everyone" if view.ranges is None else f"{len(view.ranges)} entries"
    yield f"# {ArmId.parse(view.resource_id).name} at {instant(now)}: {size}, outbound type " + (
        f"{view.outbound_type}{', API server VNet integration' if view.vnet_integration else ''}."
    )
    if view.ranges is None:
        yield "# There is nothing to protect yet. Put every client's egress into baseline, look at"
        yield "# DIFF, then set mode: Merge and restrictUnrestricted: true."
    if view.disable_run_command is not True:
        yield "# `az aks command invoke` passes by the list while it is allowed."
    if view.public_network_access == "Disabled":
        yield "# publicNetworkAccess is Disabled: the list means nothing until it is enabled."


def _labels(view: ClusterView) -> Iterator[str]:
    body = view.body if isinstance(view.body, Mapping) else {}
    tags = body.get("tags")
    known = {
        "location": body.get("location"),
        "resource-group": ArmId.parse(view.resource_id).group,
        "environment": _tag(tags if isinstance(tags, Mapping) else {}),
    }
    labels = {
        key: value
        for key, value in known.items()
        if isinstance(value, str) and _LABEL_VALUE.fullmatch(value)
    }
    if labels:
        yield "  labels:"
        yield from (f'    {key}: "{value}"' for key, value in labels.items())


def _tag(tags: Mapping[str, Any]) -> object:
    lower = {str(key).lower(): value for key, value in tags.items()}
    return next((lower[key] for key in _ENVIRONMENT if key in lower), None)


def _baseline(found: Found) -> Iterator[str]:
    taken: list[str] = []
    kept: list[str] = []
    for entry in Listing.of(found.view.ranges or ()).spelling.values():
        said = _unfit(entry)
        if said:
            kept.append(
                f"    # {said}" if said.startswith(entry) else f"    # {blanked(entry)}: {said}"
            )
        else:
            taken.append(f"      - {canonical(entry)}{_remark(entry, found=found)}")
    if not taken:
        yield "  # baseline:"
        yield "  #   ipRanges: []"
    else:
        yield "  baseline: # always let in: what stands in Azure"
        yield "    ipRanges:"
        yield from taken
    if kept:
        yield "    # No baseline can have these; Merge keeps them as somebody else's:"
        yield from kept


def _unfit(entry: str) -> str:
    """Why an entry cannot be a baseline's; "" where it can."""
    if entry == SENTINEL:
        return "nobody; it goes when something else comes"
    try:
        parse_public(entry)
    except RangeError as error:
        is_tag = entry[:1].isalpha() and ":" not in entry
        return "a service tag" if is_tag else blanked(str(error))
    return ""


def _remark(entry: str, *, found: Found) -> str:
    if canonical(entry) in found.egress:
        by_itself = ", which Azure lets in by itself" if found.implicit else ""
        return f" # node egress{by_itself}"
    return " # so wide that the list protects little" if broad(entry) else ""


def _node_egress(found: Found) -> Iterator[str]:
    if found.implicit:
        return
    kind = found.view.outbound_type
    if found.egress:
        yield f"  nodeEgress: # outbound type {kind}"
        yield "    mode: Static"
        yield "    ipRanges:"
        yield from (f"      - {entry}" for entry in found.egress)
        return
    yield f"  # Outbound type {kind}: name the public addresses the nodes leave by, or a list that"
    yield "  # closes the cluster, or takes baseline or foreign entries away, is not written."
    yield "  # nodeEgress:"
    yield "  #   mode: Static"
    yield "  #   ipRanges: []"
