"""What becomes of a list when its target goes, as far as anybody has said (I3)."""

import pytest

from aks_access.api.modes import DeletionPolicy
from aks_access.plan.ledger import Ledger, departure, leaves
from tests.unit.plan.build import NOW, ledger, target

REVOKE, DETACH = DeletionPolicy.REVOKE, DeletionPolicy.DETACH


@pytest.mark.parametrize(
    ("named", "books", "known"),
    [
        (REVOKE, None, REVOKE),
        (REVOKE, ledger(deletion_policy="Detach"), REVOKE),
        (DETACH, ledger(deletion_policy="Revoke"), DETACH),
        (DETACH, ledger(), DETACH),
        (None, ledger(deletion_policy="Revoke"), REVOKE),
        (None, ledger(deletion_policy="Detach"), DETACH),
        (None, ledger(), None),
        (None, None, None),
    ],
)
def test_i3_the_targets_own_word_goes_before_what_its_last_usable_spec_said(
    named: DeletionPolicy | None, books: Ledger | None, known: DeletionPolicy | None
) -> None:
    going = target(deletion_policy=named, deleting=NOW)
    assert departure(target=going, ledger=books) is known
    assert leaves(target=going, ledger=books) is (known is REVOKE)
    assert leaves(target=target(deletion_policy=named), ledger=books) is False
