"""Every sentence that people read about a grant or a target, from the facts alone.

One door to the modules behind it, so that status, events and the command line say the same.
"""

from aks_access.plan.azure_sentences import AzureOutcome, azure_sentence
from aks_access.plan.grant_sentences import (
    blocked_sentence,
    kept_words,
    left_words,
    refusal_sentence,
    refusals_sentence,
)
from aks_access.plan.standing_sentences import (
    contested_sentence,
    overdue_sentence,
    paced_sentence,
    pending_sentence,
    verdict_sentence,
)
from aks_access.plan.target_sentences import finding_sentence, orphan_sentence
from aks_access.plan.wording import azure_text, instant

__all__ = [
    "AzureOutcome",
    "azure_sentence",
    "azure_text",
    "blocked_sentence",
    "contested_sentence",
    "finding_sentence",
    "instant",
    "kept_words",
    "left_words",
    "orphan_sentence",
    "overdue_sentence",
    "paced_sentence",
    "pending_sentence",
    "refusal_sentence",
    "refusals_sentence",
    "verdict_sentence",
]
