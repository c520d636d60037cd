"""What many scenarios share: who is in the list, and what a person does about a target."""

import re

from tests.integration.things import Object
from tests.integration.world import World

OFFICE = "51.140.8.0/24"
"""What somebody else has put into every cluster that is not given others."""
LAPTOP = "81.2.69.142"
"""The usual grant's address."""
ENTRY = f"{LAPTOP}/32"
ACKNOWLEDGE = "aksaccess.dev/acknowledge"
DOCUMENT = "ledger.json"


def code_in(message: str) -> str:
    """The acknowledgement that a message asks for."""
    found = re.search(rf"{ACKNOWLEDGE}=([0-9a-f]+)`", message)
    assert found, f"no code in: {message}"
    return found[1]


def acknowledge(target: Object, code: str) -> None:
    """A person puts the code on the target."""
    target.patch(metadata={"annotations": {ACKNOWLEDGE: code}})


def let_go(world: World, item: Object) -> None:
    """Delete an object past our finalizer, as an impatient administrator does."""
    item.delete()
    if item.exists():
        item.patch(metadata={"finalizers": None})
    item.wait_gone()
