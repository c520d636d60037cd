"""The custom roles of the operator's identity in Azure, in every form in which people need them.

``azure/roles.yaml`` is the source. JSON is what `az role definition create` takes, Bicep is what
deployments take, and the tables of docs/azure-permissions.md explain each action.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from sandbox.chart import ROOT
from sandbox.marked import table, with_part

DIRECTORY: Final = ROOT / "azure"
SOURCE: Final = DIRECTORY / "roles.yaml"
BICEP: Final = DIRECTORY / "roles.bicep"
PAGE: Final = ROOT / "docs" / "azure-permissions.md"

SCOPE: Final = "/subscriptions/SUBSCRIPTION_ID"
"""In JSON, where people put their own."""

_BICEP_HEAD = """\
// The custom roles of the operator's identity. Their names are unique in a tenant: deploy this to
// one subscription of it, and for another one there again, with a longer list.
// Made by `make generate` from roles.yaml.
targetScope = 'subscription'

@description('Every subscription in which the roles are assigned, as /subscriptions/ID.')
param assignableScopes array = [
  subscription().id
]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One ARM action.

    Attributes:
        action: its name.
        purpose: what it is for.
        without: what happens without it; "" for linked ones, which all end in the same way.
        named: properties of a cluster that name what a linked action is needed on.
    """

    action: str
    purpose: str
    without: str
    named: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One custom role; `key` names its file and its Bicep symbol."""

    key: str
    name: str
    description: str
    actions: tuple[Action, ...]

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Self:
        """Read an entry of roles.yaml. Raises KeyError where something is missing."""
        return cls(
            key=raw["key"],
            name=raw["name"],
            description=raw["description"],
            actions=tuple(
                Action(
                    action=each["action"],
                    purpose=each["for"],
                    without=each.get("without", ""),
                    named=each.get("named", ""),
                )
                for each in raw["actions"]
            ),
        )

    @property
    def file(self) -> Path:
        """Its definition as JSON."""
        return DIRECTORY / f"role-{self.key}.json"

    @property
    def names(self) -> list[str]:
        """Its actions' names."""
        return [each.action for each in self.actions]


def roles() -> list[Role]:
    """Return every role, in the order of roles.yaml."""
    return [Role.parse(each) for each in yaml.safe_load(SOURCE.read_text())]


def generated() -> dict[Path, str]:
    """Return every file that is made from roles.yaml, by path. Raises MarksError."""
    every = roles()
    page = PAGE.read_text()
    for role in every:
        begin = f"<!-- role {role.key}: made from azure/roles.yaml by `make generate` -->\n"
        end = f"<!-- end of role {role.key} -->\n"
        page = with_part(page, begin=begin, end=end, part=f"\n{_table(role)}\n")
    return {
        **{role.file: definition(role) for role in every},
        BICEP: bicep(every),
        PAGE: page,
    }


def definition(role: Role) -> str:
    """Return a role as `az role definition create --role-definition` takes it."""
    content = {
        "Name": role.name,
        "IsCustom": True,
        "Description": role.description,
        "Actions": role.names,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [SCOPE],
    }
    return json.dumps(content, indent=2) + "\n"


def bicep(every: list[Role]) -> str:
    """Return all roles as one Bicep file."""
    resources = "".join(f"\n{_resource(role)}" for role in every)
    outputs = "".join(f"output {each.key}Role string = {each.key}.name\n" for each in every)
    return f"{_BICEP_HEAD}{resources}\n{outputs}"


def _resource(role: Role) -> str:
    actions = "\n".join(f"          {_quoted(name)}" for name in role.names)
    return f"""\
resource {role.key} 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{
  name: guid(subscription().id, 'aks-access-operator', {_quoted(role.key)})
  properties: {{
    roleName: {_quoted(role.name)}
    description: {_quoted(role.description)}
    type: 'CustomRole'
    assignableScopes: assignableScopes
    permissions: [
      {{
        actions: [
{actions}
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }}
    ]
  }}
}}
"""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("'", r"\'").replace("${", r"\${")
    return f"'{escaped}'"


def _table(role: Role) -> str:
    if any(each.named for each in role.actions):
        rows = [(f"`{each.action}`", each.purpose, _code(each.named)) for each in role.actions]
        return table(head=("Action", "What it is for", "Where a cluster names it"), rows=rows)
    rows = [(f"`{each.action}`", each.purpose, each.without) for each in role.actions]
    return table(head=("Action", "What it is for", "Without it"), rows=rows)


def _code(names: str) -> str:
    return ", ".join(
        " and ".join(f"`{word}`" for word in each.split(" and ")) for each in names.split(", ")
    )
