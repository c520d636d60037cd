"""The operator as it is installed: its Deployment, and the settings that a plan depends on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aks_access.api.ranges import IPv4Range
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.errors import KubeError, SettingsError
from aks_access.settings.table import SETTINGS, Settings

_NAME_LABEL: Final = "app.kubernetes.io/name"
_NAME: Final = "aks-access-operator"
_READ: Final = frozenset(
    {
        "namespace-additions",
        "namespace-addition-interval",
        "cluster-additions",
        "cluster-addition-interval",
        "revocation-bound",
        "management-egress",
        "argocd-instance-label",
        "lease-name",
    }
)
"""Settings that a plan depends on; the others may name files of the operator's own machine."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What is known of the operator.

    Attributes:
        settings: as its Deployment gives them, defaults where that is unknown.
        doubt: why the settings are not known, as a sentence; "" = they are.
        deployment: None where none is found or it may not be read.
    """

    settings: Settings
    doubt: str = ""
    deployment: Mapping[str, Any] | None = None

    @property
    def management_egress(self) -> tuple[IPv4Range, ...]:
        """What the operator adds to every list."""
        return self.settings.management_egress

    def with_egress(self, ranges: tuple[IPv4Range, ...]) -> "Installed":
        """The same with another egress of the management cluster."""
        return replace(self, settings=replace(self.settings, management_egress=ranges))


def installed(cluster: Cluster, *, namespace: str) -> Installed:
    """The operator in a namespace; whatever cannot be read is a `doubt`."""
    try:
        found = [
            each
            for each in cluster.all(Resource.DEPLOYMENTS, namespace=namespace)
            if each["metadata"].get("labels", {}).get(_NAME_LABEL) == _NAME
        ]
    except KubeError as error:
        return Installed(Settings(), doubt=f"the operator's Deployment cannot be read ({error})")
    if not found:
        return Installed(Settings(), doubt=f"no Deployment of the operator is in {namespace}")
    container: Mapping[str, Any] = found[0]["spec"]["template"]["spec"]["containers"][0]
    try:
        settings = _settings(container)
    except SettingsError as error:
        return Installed(Settings(), doubt=f"its settings are wrong: {error}", deployment=found[0])
    return Installed(settings, deployment=found[0])


def _settings(container: Mapping[str, Any]) -> Settings:
    environment = {each["name"]: str(each.get("value", "")) for each in container.get("env") or ()}
    variables = {each.variable for each in SETTINGS if each.name in _READ}
    flags = dict(_flags([*(container.get("command") or ()), *(container.get("args") or ())]))
    return Settings.load(
        given={name: text for name, text in flags.items() if name in _READ},
        environment={name: text for name, text in environment.items() if name in variables},
    )


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            yield name, value if equals else following
