"""All settings in one table: what flags, help and docs/reference/settings.md are made from.

Each group declares its settings with flag, variable, default, unit and meaning, so that none of
those can say anything else. Flags win over `AKS_ACCESS_*` variables, which win over defaults.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from aks_access.errors import SettingsError
from aks_access.settings.access import AccessSettings
from aks_access.settings.azure import AzureSettings
from aks_access.settings.group import settings_of
from aks_access.settings.kubernetes import KubernetesSettings
from aks_access.settings.lease import LeaseSettings
from aks_access.settings.monitoring import MonitoringSettings
from aks_access.settings.pace import PaceSettings
from aks_access.settings.setting import VARIABLE_PREFIX, Setting


@dataclass(frozen=True, kw_only=True)
class Settings(
    AzureSettings,
    KubernetesSettings,
    LeaseSettings,
    PaceSettings,
    AccessSettings,
    MonitoringSettings,
):
    """All settings; durations in seconds. `load` is the way to make one from text.

    Raises SettingsError where values contradict each other.
    """

    @classmethod
    def load(cls, *, given: Mapping[str, str], environment: Mapping[str, str]) -> Self:
        """Settings from flags (`given`, by setting name), `environment` and defaults.

        An empty variable counts as absent. Raises SettingsError, whose message is one line that
        names the flag or variable, the value, the rule and the way out.
        """
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            source, text = _source(setting, given=given, environment=environment)
            if not source:
                continue
            try:
                values[setting.name.replace("-", "_")] = setting.form.parse(text)
            except ValueError as error:
                raise SettingsError(f"{source}: {error}.") from error
        return cls(**values)


def _source(
    setting: Setting, *, given: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, str]:
    """Where a setting's value comes from, in words for a message, and its text; "" = nowhere."""
    if setting.name in given:
        return setting.flag, given[setting.name]
    if text := environment.get(setting.variable, ""):
        return setting.variable, text
    if setting.surroundings and (text := setting.surroundings(environment)):
        return f"The default of {setting.flag} ({setting.default_words})", text
    return "", ""


SETTINGS: Final[tuple[Setting, ...]] = tuple(
    setting for group in Settings.__bases__ for setting in settings_of(group)
)
"""Every setting, in the order of help and documentation."""


_SERVICE_LINK: Final = re.compile(r".*_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_\w+)?)")
"""Variables that Kubernetes makes for a Service, like AKS_ACCESS_OPERATOR_PORT_8080_TCP."""


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence for each `AKS_ACCESS_*` variable that no setting reads: perhaps a slip."""
    known = [setting.variable for setting in SETTINGS]
    sentences = []
    for name in sorted(environment):
        if name in known or not name.startswith(VARIABLE_PREFIX) or _SERVICE_LINK.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "remove it, or see aks-access run --help."
        sentences.append(f"The variable {name} is no setting and has no effect; {hint}")
    return tuple(sentences)
