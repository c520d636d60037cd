"""What commands see of a machine that lacks what most have."""

import getpass

import pytest

from aks_access.cli.surroundings import Surroundings
from aks_access.errors import InputError


@pytest.mark.parametrize("lacks", [KeyError("uid not found: 12345"), OSError(), ImportError()])
def test_a_user_without_a_name_is_told_to_name_the_grant(
    monkeypatch: pytest.MonkeyPatch, lacks: Exception
) -> None:
    def getuser() -> str:
        raise lacks

    monkeypatch.setattr(getpass, "getuser", getuser)
    with pytest.raises(InputError, match="--name NAME"):
        Surroundings().own_name()
