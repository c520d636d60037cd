"""The documentation's page of settings, made from the table in `settings`.

`python -m aks_access.settings_page > docs/settings.md` writes it; a test compares the two.
"""

from itertools import groupby
from typing import Final

from aks_access.setting import Setting
from aks_access.settings import SETTINGS

_HEAD: Final = """\
# Settings

<!-- Made by `python -m aks_access.settings_page > docs/settings.md`; edit settings.py instead. -->

Every setting of `aks-access run` is a flag and a variable. A flag wins over its variable, and the
variable over the default; an empty variable counts as absent. Durations are written `4h30m`, `90m`
or `45s`, and short ones also `500ms` or `0.5s`. A value that breaks its rule ends the start with
exit code 2 and one line that names the flag or variable, the value and the rule.

Credentials are not settings of this program: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`,
`AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_SECRET` and their like are read as every Azure SDK
reads them. `HTTPS_PROXY` and `NO_PROXY` hold for Azure and the Kubernetes API alike, so that the
API server belongs into `NO_PROXY`; names and addresses count there, networks do not.
`SSL_CERT_FILE` names more authorities to trust for Azure.

Exit codes: 0 after a stop that was asked for, 1 after a failure while running, 2 for a wrong flag
or setting, 3 where something needed is missing at the start, 70 where the event loop hung.
"""


def settings_page() -> str:
    """docs/settings.md."""
    parts = [_HEAD]
    for section, settings in groupby(SETTINGS, key=lambda setting: setting.section):
        rows = "\n".join(_row(setting) for setting in settings)
        parts.append(
            f"\n## {section}\n\n"
            f"| Flag | Variable | Default | Unit | Meaning |\n|---|---|---|---|---|\n{rows}\n"
        )
    return "".join(parts)


def _row(setting: Setting) -> str:
    unit = setting.form.unit
    if "|" in setting.form.metavar:
        unit = ", ".join(f"`{word}`" for word in setting.form.metavar.split("|"))
    default = setting.default_words or (f"`{setting.default}`" if setting.default else "none")
    cells = (f"`{setting.flag}`", f"`{setting.variable}`", default, unit, setting.description)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(settings_page(), end="")
