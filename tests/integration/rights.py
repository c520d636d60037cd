"""What the operator was given and what it used, held against each other.

Pure: the chart's objects, the API server's audit log and the emulator's journal come in, sentences
about what does not fit go out.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aks_access.kube.discovery import Right
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.linked import links
from sandbox.controlplane.audit import AuditEvent

EVERYBODYS: Mapping[tuple[str, str, str, str], str] = {
    ("system:basic-user", "authorization.k8s.io", "selfsubjectaccessreviews", "create"): (
        "asks what it may do"
    ),
    ("system:discovery", "", "", "get"): "asks which kinds are served",
}
"""Role, group, resource and verb of what Kubernetes gives to every authenticated user."""

_NETWORK = "/subscriptions/00000000-0000-0000-0000-0000000000e0/resourceGroups/rg-network/providers"
_SUBNET = f"{_NETWORK}/Microsoft.Network/virtualNetworks/hub/subnets"
_OUTBOUND = "properties.networkProfile.loadBalancerProfile"
CLUSTER_PROPERTIES: Mapping[str, Any] = {
    "properties.agentPoolProfiles[system].vnetSubnetID": f"{_SUBNET}/nodes",
    "properties.agentPoolProfiles[system].podSubnetID": f"{_SUBNET}/pods",
    "properties.agentPoolProfiles[system].nodePublicIPPrefixID": (
        f"{_NETWORK}/Microsoft.Network/publicIPPrefixes/nodes"
    ),
    "properties.agentPoolProfiles[system].proximityPlacementGroupID": (
        f"{_NETWORK}/Microsoft.Compute/proximityPlacementGroups/near"
    ),
    "properties.diskEncryptionSetID": f"{_NETWORK}/Microsoft.Compute/diskEncryptionSets/keys",
    f"{_OUTBOUND}.outboundIPs": {
        "publicIPs": [{"id": f"{_NETWORK}/Microsoft.Network/publicIPAddresses/out"}]
    },
    "properties.addonProfiles.ingressApplicationGateway": {
        "enabled": True,
        "config": {"applicationGatewayId": f"{_NETWORK}/Microsoft.Network/applicationGateways/in"},
    },
}
"""What a cluster can name beside its identity and its workspace, which the emulator's all have."""

_ROLE = re.compile(r' of (?:Cluster)?Role "([^"]+)"')


def user(subject: Mapping[str, str]) -> str:
    """The user name that a binding's subject stands for."""
    if subject["kind"] != "ServiceAccount":
        return subject["name"]
    return f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


def given(objects: Collection[dict[str, Any]], *, to: str) -> list[Right]:
    """Every right that the objects' bindings give a user, as often as it is given."""
    roles = {
        (each["kind"], each["metadata"]["name"]): each
        for each in objects
        if each["kind"] in ("ClusterRole", "Role")
    }
    return [
        right
        for binding in objects
        if binding["kind"] in ("ClusterRoleBinding", "RoleBinding")
        and to in map(user, binding["subjects"])
        for right in rules(
            roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]],
            namespace=binding["metadata"].get("namespace", ""),
        )
    ]


def rules(role: Mapping[str, Any], *, namespace: str = "") -> Iterator[Right]:
    """A role's rules, one right for each combination of what they list."""
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield Right(group, resource, verb, namespace, name)


def asked(event: AuditEvent) -> Right:
    """The right that a request needs; Kubernetes takes a Namespace for being in itself."""
    resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
    namespace = "" if event.resource == "namespaces" else event.namespace
    return Right(event.group, resource, event.verb, namespace, event.name)


def covers(right: Right, use: Right) -> bool:
    """Whether a right is enough for another one."""
    return (
        (right.group, right.resource, right.verb) == (use.group, use.resource, use.verb)
        and right.namespace in ("", use.namespace)
        and right.name in ("", use.name)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """One user's rights on an API server and its requests.

    Attributes:
        rights: what the chart gives.
        events: every request of the user.
        own: namespace of the operator.
        unused: rights that need not be used, and why.
    """

    rights: Sequence[Right]
    events: Sequence[AuditEvent]
    own: str
    unused: Mapping[Right, str]

    def problems(self) -> list[str]:
        """Sentences about what does not fit; none = every right is used, and every use given."""
        return [
            *self._refused(),
            *self._strange(),
            *self._idle(),
            *self._twice(),
            *self._too_wide(),
        ]

    def table(self) -> str:
        """How often each right was used."""
        lines = [f"{len(self._uses(right)):>6,} x {right}" for right in self.rights]
        lines += [
            f"{count:>6,} x {purpose}, by {role}"
            for (role, *_), purpose in EVERYBODYS.items()
            if (count := sum(_role(event) == role for event in self.events))
        ]
        return "\n".join(lines)

    def _uses(self, right: Right) -> list[Right]:
        return [use for event in self.events if covers(right, use := asked(event))]

    def _refused(self) -> Iterator[str]:
        for event in self.events:
            if event.decision != "allow" or event.code == 403:
                yield f"refused: {asked(event)} ({event.uri})"

    def _strange(self) -> Iterator[str]:
        everybodys = set()
        for event in self.events:
            use = asked(event)
            if any(covers(right, use) for right in self.rights):
                continue
            key = (_role(event), use.group, use.resource, use.verb)
            everybodys.add(key)
            if key not in EVERYBODYS:
                yield f"used and not given by the chart: {use} ({event.uri}; {event.reason})"
        for key in EVERYBODYS.keys() - everybodys:
            yield f"said to be used, and not used: {key}"

    def _idle(self) -> Iterator[str]:
        for right in self.rights:
            used = bool(self._uses(right))
            if not used and right not in self.unused:
                yield f"given and not used: {right}"
            if used and right in self.unused:
                yield f"used, so that it is no exception: {right}"
        for right in self.unused.keys() - set(self.rights):
            yield f"not given, so that it is no exception: {right}"

    def _twice(self) -> Iterator[str]:
        for right in self.rights:
            if sum(covers(other, right) for other in self.rights) > 1:
                yield f"given more than once: {right}"

    def _too_wide(self) -> Iterator[str]:
        for right in self.rights:
            uses = self._uses(right)
            namespaces, names = ({u.namespace for u in uses}, {u.name for u in uses})
            if not right.namespace and namespaces == {self.own}:
                yield f"given everywhere, and used in {self.own} only: {right}"
            one = len(names) == 1 and names != {right.name} and right.verb != "create"
            if right.namespace and one:
                yield f"given for all objects, and used on {names.pop()} only: {right}"


def _role(event: AuditEvent) -> str:
    found = _ROLE.search(event.reason)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """One client's custom roles in Azure, and its requests.

    Attributes:
        actions: what the roles allow.
        entries: every request of the client to ARM.
    """

    actions: Collection[str]
    entries: Sequence[JournalEntry]

    def problems(self) -> list[str]:
        """Sentences about what does not fit; none = each action is used and each call covered."""
        needed = Counter(self._needed())
        return [
            *(
                f"refused: {entry.action} on {entry.path} ({entry.error})"
                for entry in self.entries
                if entry.status in (401, 403)
            ),
            *(f"needed and in no role: {each}" for each in needed if each not in self.actions),
            *(f"in a role and not needed: {each}" for each in self.actions if not needed[each]),
        ]

    def table(self) -> str:
        """How often each action was needed."""
        needed = Counter(self._needed())
        return "\n".join(f"{needed[each]:>6,} x {each}" for each in self.actions)

    def _needed(self) -> Iterator[str]:
        for entry in self.entries:
            yield entry.action
            if entry.method == "PUT" and isinstance(entry.body, dict):
                yield from (action for action, _ in links(entry.body))


def of_client(entries: Iterable[JournalEntry], client_id: str) -> list[JournalEntry]:
    """A client's requests to ARM."""
    return [e for e in entries if e.area == Area.ARM and e.client_id == client_id]
