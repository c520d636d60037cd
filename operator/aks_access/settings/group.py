"""A group of settings: a dataclass whose fields are declared as settings, under one heading."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, ClassVar

from aks_access.errors import SettingsError
from aks_access.settings.forms import format_seconds
from aks_access.settings.setting import METADATA, Setting, variable


class Group:
    """Base of the groups; a frozen dataclass each, so that `Settings` can be all of them at once.

    A group that checks its values together does so in `__post_init__`, and then calls super's.
    """

    section: ClassVar[str]

    def __post_init__(self) -> None:
        """Ends the chain of checks."""


def settings_of(group: type[Any]) -> Iterator[Setting]:
    """What a group declares, in its order."""
    for each in fields(group):
        yield Setting(each.name.replace("_", "-"), group.section, *each.metadata[METADATA])


def require(
    holds: bool,
    *,
    name: str,
    value: float,
    rule: str,
    limit: float,
    words: Callable[[float], str] = format_seconds,
) -> None:
    """Raise SettingsError where a rule that two settings make does not hold.

    `value` and `limit` are seconds, unless `words` writes them otherwise.
    """
    if not holds:
        raise SettingsError(
            f"--{name} ({variable(name)}): {words(value)} must be {rule} ({words(limit)}); "
            "change one of them."
        )
