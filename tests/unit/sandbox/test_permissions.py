"""The page of rights: every rule with its comment, and none without one."""

import pytest

from sandbox.chart import INSTALL
from sandbox.permissions import KINDS, PAGE, RoleError, Rule, generated, operator_rules

CHART = """\
# Source: rbac.yaml
kind: ClusterRole
metadata: {name: aks-access-operator-grants-view}
rules: []
---
kind: Role
metadata:
  name: aks-access-operator
rules:
  # Read them
  # often.
  - apiGroups: ["", events.k8s.io]
    resources: [events]
    resourceNames: ["a"]
    verbs: [get, list]
"""


def test_a_rule_has_its_comment() -> None:
    assert operator_rules(CHART, kind="Role") == [
        Rule(
            resources=("events", "events.events.k8s.io"),
            names=("a",),
            verbs=("get", "list"),
            purpose="Read them often.",
        )
    ]


def test_a_rule_without_a_comment_is_refused() -> None:
    bare = CHART.replace("  # Read them\n  # often.\n", "")
    with pytest.raises(RoleError, match="no comment above it: - apiGroups"):
        operator_rules(bare, kind="Role")


def test_the_operators_own_role_is_meant() -> None:
    with pytest.raises(RoleError, match="no ClusterRole aks-access-operator"):
        operator_rules(CHART, kind="ClusterRole")


def test_the_page_has_every_rule() -> None:
    installed = INSTALL.read_text()
    assert generated(installed) == {PAGE: PAGE.read_text()}
    for kind in KINDS:
        assert operator_rules(installed, kind=kind)
