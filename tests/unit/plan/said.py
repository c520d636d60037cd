"""A finding as people read it on the target `prod`."""

from collections.abc import Mapping

from aks_access.api.reasons import TargetReason as R
from aks_access.plan.model import Target
from aks_access.plan.outcome import Finding
from aks_access.plan.target_sentences import finding_sentence
from tests.unit.plan.build import ID, target

ON = target()


def say(reason: R, details: Mapping[str, str], on: Target | None = ON) -> str:
    return finding_sentence(finding=Finding(reason, details), target=on, cluster=ID)
