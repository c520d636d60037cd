"""`az` for guides: a list of the emulator's clusters to read and write, and prepared answers.

What the real command takes and prints was looked at once (azure-cli 2.91, against the emulator);
a command that no test has prepared is refused, so that no line of a guide goes unread.
"""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

from sandbox.arm.control import ArmControl

_RANGES = "apiServerAccessProfile.authorizedIpRanges"


def main(arguments: list[str]) -> int:
    """Answer one command; returns the exit code."""
    answers = json.loads(Path(os.environ["PRETENDED_AZ"]).read_text())
    given = dict(pairwise(arguments))
    line = " ".join(" ".join(arguments).split())
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


def _control() -> ArmControl:
    return ArmControl.connect(os.environ["PRETENDED_AZ_CONTROL"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
