"""What `doctor` reads in a target's status: bad conditions, and what makes its list pointless."""

from collections.abc import Iterator

from aks_access.api.modes import Mode
from aks_access.api.reasons import ConditionType
from aks_access.cli.checks.checkup import Checked, failed, passed, warned
from aks_access.cli.plans.recall import status_of
from aks_access.plan.model import Target
from aks_access.plan.wording import az_flags, listed


def run_command(cluster: str) -> str:
    """`az aks command invoke` goes past the list of a cluster, named by its ARM id."""
    return (
        "runCommand enabled: bypasses the IP list. Run "
        f"`az aks update {az_flags(cluster)} --disable-run-command`, or keep it knowingly."
    )


def checks_target(target: Target) -> Iterator[Checked]:
    """The target as the operator sees it."""
    status = status_of(target)
    conditions = {each.type: each for each in status.conditions}
    ready = conditions.get(ConditionType.READY)
    if ready is None:
        yield failed(
            target.name, "has no status: no operator looks after it. Is one running, and leading?"
        )
        return
    if (status.observed_generation or 0) < target.generation:
        yield warned(target.name, "the operator has not seen its last edit yet.")
    said = f"{ready.reason}: {ready.message.removeprefix(f'{ready.reason}: ')}"
    if ready.status == "True":
        yield passed(target.name, said)
    elif ConditionType.STALLED in conditions:
        yield failed(target.name, said)
    else:
        yield warned(target.name, said)
    yield from _facts(target)


def _facts(target: Target) -> Iterator[Checked]:
    known = status_of(target).cluster
    if known is None:
        return
    if known.disable_run_command is not True and not known.private:
        yield warned(target.name, run_command(target.resource_id))
    if known.restricted is False and not known.private and target.mode is Mode.OBSERVE:
        yield warned(target.name, "open to everyone: there is no list yet.")
    if known.ineffective_entries:
        yield warned(
            target.name,
            f"{listed(known.ineffective_entries)}: so wide that the list protects little.",
        )
    if target.suspend:
        yield warned(target.name, "is suspended: nothing is added or taken away.")
