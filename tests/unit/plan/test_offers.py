from aks_access.api.reasons import GrantReason
from aks_access.plan.model import LabelRequirement, Namespace, Policy, Problem, Selector
from aks_access.plan.offers import MOST, not_found, open_to
from tests.unit.plan.build import grant, target

TEAM = Selector((LabelRequirement(key="team", operator="In", values=("a",)),))
NAMESPACES = {"team-a": Namespace(uid="n", name="team-a", labels={"team": "a"})}


def test_the_targets_of_a_namespace_are_offered_by_name_the_first_few() -> None:
    named = [target(name=f"t{number}") for number in (3, 1, 2)]
    assert open_to("team-a", targets=named, namespaces={}) == ["t1", "t2", "t3"]
    many = [target(name=f"t{number:02}") for number in range(MOST + 2)]
    assert open_to("team-a", targets=many, namespaces={}) == [each.name for each in many[:MOST]]


def test_a_target_that_takes_no_grants_of_the_namespace_or_cannot_be_used_is_not_offered() -> None:
    closed = target(name="closed", policy=Policy(namespaces=TEAM))
    broken = target(name="broken", problems=(Problem("spec.mode", "", "no"),))
    targets = [closed, broken]
    assert open_to("team-a", targets=targets, namespaces=NAMESPACES) == ["closed"]
    assert open_to("team-b", targets=targets, namespaces=NAMESPACES) == []


def test_a_refusal_names_the_field_by_which_the_target_was_sought() -> None:
    by_name = not_found(grant("g", target_name="prodx"))
    assert (by_name.reason, by_name.field, by_name.value) == (
        GrantReason.TARGET_NOT_FOUND,
        "spec.targetRef.name",
        "prodx",
    )
    by_label = not_found(grant("g", target_name=None, selector=TEAM))
    assert (by_label.field, by_label.value) == ("spec.targetSelector", "")
