"""`az` for guides: lists of the emulator's clusters, custom roles, and prepared answers.

What the real command takes and prints was looked at once (azure-cli 2.91, against the emulator);
a command that no test has prepared is refused, so that no line of a guide goes unread. Roles are as
Azure has them: one of a name in a tenant, assigned only where it says, found a moment late.
"""

import json
import os
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from sandbox.arm.control import ArmControl

_RANGES = "apiServerAccessProfile.authorizedIpRanges"
_SCOPES = "[].assignableScopes[]"


def main(arguments: list[str]) -> int:
    """Answer one command; returns the exit code."""
    answers = json.loads(Path(os.environ["PRETENDED_AZ"]).read_text())
    given = dict(pairwise(arguments))
    line = " ".join(" ".join(arguments).split())
    if arguments[:1] == ["role"] and (said := _role(arguments[1:3], given)) is not None:
        print(said, file=sys.stderr)
        return 1
    if arguments[:2] == ["role", "definition"]:
        return 0
    if arguments[:2] == ["aks", "show"] and given.get("--query") == _RANGES:
        ranges = _control().cluster(answers["CLUSTER_ID"]).ranges
        print("\n".join(ranges or ()) if given.get("-o") == "tsv" else json.dumps(ranges, indent=2))
    elif arguments[:2] == ["aks", "update"] and "--api-server-authorized-ip-ranges" in given:
        ranges = given["--api-server-authorized-ip-ranges"].split(",")
        _control().edit_ranges(answers["CLUSTER_ID"], ranges=ranges)
    elif line in answers:
        print(answers[line])
    else:
        print(f"not prepared: az {line}", file=sys.stderr)
        return 64
    return 0


def _role(command: list[str], given: Mapping[str, str]) -> str | None:
    """Keep the tenant's custom roles; returns a refusal, or None."""
    file = Path(os.environ["PRETENDED_AZ"]).with_name("roles.json")
    roles: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    refusal = _changed(roles, command, given)
    file.write_text(json.dumps(roles, indent=2))
    return refusal


def _changed(roles: dict[str, Any], command: list[str], given: Mapping[str, str]) -> str | None:
    match command:
        case ["definition", "list"]:
            found = roles.get(given["--name"], {"AssignableScopes": []})["AssignableScopes"]
            if given["--scope"] in found and given["--query"] == _SCOPES:
                print("\n".join(found))
        case ["definition", ("create" | "update") as verb]:
            role = json.loads(given["--role-definition"])
            there = roles.get(role["Name"], {"AssignableScopes": []})["AssignableScopes"]
            if verb == "create" and there:
                return "(RoleDefinitionWithSameNameExists) a custom role of this name exists"
            if verb == "update" and not set(there) & set(role["AssignableScopes"]):
                return f'No definition was found with the name of "{role["Name"]}"'
            roles[role["Name"]] = {**role, "found": False}
        case ["assignment", "create"]:
            role = roles.get(given["--role"], {"AssignableScopes": [], "found": False})
            late, role["found"] = not role["found"], True
            subscription = "/".join(given["--scope"].split("/")[:3])
            if late or subscription not in role["AssignableScopes"]:
                return f"Role '{given['--role']}' doesn't exist."
    return None


def _control() -> ArmControl:
    return ArmControl.connect(os.environ["PRETENDED_AZ_CONTROL"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
