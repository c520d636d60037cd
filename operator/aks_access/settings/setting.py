"""One setting: what there is to say about it, and how a field of a group declares it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from aks_access.settings.forms import Form

T = TypeVar("T")

VARIABLE_PREFIX: Final = "AKS_ACCESS_"
METADATA: Final = "setting"
"""Under which a dataclass field carries what `declare` was told."""


def variable(name: str) -> str:
    """The variable of a setting: `AKS_ACCESS_LEASE_DURATION` for `lease-duration`."""
    return VARIABLE_PREFIX + name.replace("-", "_").upper()


@dataclass(frozen=True, slots=True)
class Setting:
    """What there is to say about one setting.

    Attributes:
        name: as in the flag, without the dashes: `lease-duration`.
        section: the heading it stands under.
        description: a sentence or two for people.
        default: the text that stands for an absent value; "" = none.
        default_words: the default in words, where it depends on the surroundings.
        surroundings: finds a default in the environment; where it answers "", `default` holds.
    """

    name: str
    section: str
    form: Form[Any]
    description: str
    default: str
    default_words: str
    surroundings: Callable[[Mapping[str, str]], str] | None

    @property
    def flag(self) -> str:
        """`--lease-duration`."""
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """`AKS_ACCESS_LEASE_DURATION`."""
        return variable(self.name)

    @property
    def shown_default(self) -> str:
        """The default as help shows it."""
        return self.default_words or self.default or "none"


def declare(
    form: Form[T],
    description: str,
    *,
    default: str = "",
    absent: T | None = None,
    default_words: str = "",
    surroundings: Callable[[Mapping[str, str]], str] | None = None,
) -> T:
    """Declare a field of a group; typed as its value, so that mypy checks form and field.

    `absent` is the value where there is neither text nor a default.
    """
    setting = (form, description, default, default_words, surroundings)
    value = form.parse(default) if default else absent
    return cast(T, field(default=value, metadata={METADATA: setting}))


def declare_optional(form: Form[T], description: str, *, default_words: str) -> T | None:
    """Declare a field that may be absent."""
    return declare(form, description, default_words=default_words)
