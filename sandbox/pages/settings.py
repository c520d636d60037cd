"""The page of settings: every flag and variable of `aks-access run`."""

from itertools import groupby
from typing import Final

from aks_access.settings.setting import Setting
from aks_access.settings.table import SETTINGS
from sandbox.pages.markdown import code, head

_INTRODUCTION: Final = """
Every setting of `aks-access run` is a flag and a variable. A flag wins over its variable, and the
variable over the default; an empty variable counts as absent. Durations are written `4h30m`, `90m`
or `45s`, and short ones also `500ms` or `0.5s`. A value that breaks its rule ends the start with
exit code 2 and one line that names the flag or variable, the value and the rule.

With the chart, `operator.extraArgs` takes flags and `operator.extraEnv` variables; what has a value
of its own stands in [Chart values](values.md).

Credentials are not settings of this program: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
`AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_SECRET` and their like are read as every Azure SDK
reads them. `HTTPS_PROXY` and `NO_PROXY` hold for Azure and the Kubernetes API alike, so that the
API server belongs into `NO_PROXY`; names and addresses count there, networks do not.
`SSL_CERT_FILE` names more authorities to trust for Azure.

Exit codes: 0 after a stop that was asked for, 1 after a failure while running, 2 for a wrong flag
or setting, 3 where something needed is missing at the start, 70 where the event loop hung.
"""


def page() -> str:
    """The page."""
    parts = [head("Settings", source="operator/aks_access/settings/"), _INTRODUCTION]
    for section, settings in groupby(SETTINGS, key=lambda setting: setting.section):
        parts.append(f"\n## {section}\n")
        parts += map(_setting, settings)
    return "".join(parts)


def _setting(setting: Setting) -> str:
    unit = setting.form.unit
    if "|" in setting.form.metavar:
        unit = ", ".join(map(code, setting.form.metavar.split("|")))
    default = setting.default_words or (code(setting.default) if setting.default else "none")
    return (
        f"\n### {code(setting.flag)}\n\n{code(setting.variable)}\n\n{setting.description}\n\n"
        f"*{unit}; default: {default}*\n"
    )
