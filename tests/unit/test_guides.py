"""The messages that guides quote (their `text` blocks) are those of the code, word for word."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aks_access.api.ranges import SpecialPurposeError, parse_public
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.azure.credentials import Credentials
from aks_access.errors import AzureError, AzureFault, LedgerNewer
from aks_access.kube.ledger_document import decode
from aks_access.plan.ledger import SCHEMA_VERSION
from aks_access.plan.model import cluster_key
from aks_access.plan.outcome import Finding, Refusal, Rule
from aks_access.plan.sentences import azure_sentence, finding_sentence, refusal_sentence
from aks_access.settings.azure import AzureCredential
from tests.unit.plan.build import target
from tests.unit.sandbox.arm_kit import TENANT, Kit
from tests.unit.sandbox.test_arm_identity import ISSUER, assertion, federated

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = ("install.md", "migration.md", "upgrade.md", "uninstall.md")
_TEXT = re.compile(r"^```text\n(.*?)^```", re.DOTALL | re.MULTILINE)
CLIENT = "5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e"
CONTACT = "platform@contoso.com"


def said() -> Iterator[str]:
    """Every message that a guide may quote."""
    one = target()
    with pytest.raises(AzureError) as caught:
        Credentials(
            kind=AzureCredential.WORKLOAD_IDENTITY, authority="https://x", environment={}
        ).source(None)
    yield azure_sentence(error=caught.value, target=one).message
    denied = AzureError(
        f"The client '{CLIENT}' with object id '{CLIENT}' does not have authorization to perform "
        "action 'Microsoft.ContainerService/managedClusters/write' over scope "
        "'/subscriptions/…/managedClusters/prod-weu' or the scope is invalid.",
        fault=AzureFault.FORBIDDEN,
        code="AuthorizationFailed",
    )
    yield azure_sentence(error=denied, target=one).message
    unknown = Finding(TargetReason.NODE_EGRESS_UNKNOWN, {"outbound": "userDefinedRouting"})
    yield finding_sentence(finding=unknown, target=one, cluster=one.resource_id)
    with pytest.raises(SpecialPurposeError) as private:
        parse_public("10.1.2.3")
    yield str(private.value)
    wide = Refusal(
        GrantReason.POLICY_DENIED, Rule.MIN_PREFIX, "spec.ipRanges[0]", "20.50.0.0/20", "/28"
    )
    yield refusal_sentence(refusal=wide, target="prod-weu", contact=CONTACT)
    namespace = Refusal(GrantReason.NAMESPACE_NOT_ALLOWED, Rule.NAMESPACE, value="team-b")
    yield refusal_sentence(refusal=namespace, target="prod-weu", contact=CONTACT)
    with pytest.raises(LedgerNewer) as newer:
        decode(json.dumps({"schemaVersion": SCHEMA_VERSION + 1}), key=cluster_key("/x"), version="")
    yield str(newer.value)
    yield refused_login()


def refused_login() -> str:
    """Entra ID's words, as the emulator has them, about a token of another ServiceAccount."""
    kit = Kit()
    kit.control.register_client("app", tenant_id=TENANT, federations=[(ISSUER, "another")])
    return str(federated(kit, assertion(kit)).body["error_description"])


MESSAGES = list(said())


@pytest.mark.parametrize("page", GUIDES)
def test_a_quoted_message_is_one_of_the_codes(page: str) -> None:
    quoted = [block.strip() for block in _TEXT.findall((DOCS / page).read_text())]
    assert [words for words in quoted if not any(words in each for each in MESSAGES)] == []
