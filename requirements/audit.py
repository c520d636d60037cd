"""Ask the vulnerability database of PyPI about everything the lock files pin.

`python requirements/audit.py [--required] FILE…`, with pip-audit on the PATH. A release with known
vulnerabilities is asked about first: an index that mirrors packages only says "not found", which
pip-audit takes for "nothing known". What could not be audited is said, and is an error only with
`--required`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CANARY = "jinja2==2.4.1"
"""Has had known vulnerabilities for years (CVE-2014-1402 among them)."""


def audit(file: Path) -> subprocess.CompletedProcess[str]:
    """Run pip-audit over one lock file; nothing is installed or resolved."""
    options = ["--strict", "--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
    return subprocess.run(
        ["pip-audit", *options, "--requirement", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


def findings(answer: subprocess.CompletedProcess[str]) -> list[str] | None:
    """A line for each vulnerability; None where pip-audit reports nothing that can be read."""
    try:
        audited = json.loads(answer.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    return [
        f"{each['name']} {each['version']}: {known['id']}, fixed in "
        f"{', '.join(known['fix_versions']) or 'no release yet'}"
        for each in audited
        for known in each.get("vulns", [])
    ]


def unreachable() -> str:
    """Why the database cannot be asked; "" where it can."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "canary.txt"
        file.write_text(f"{CANARY}\n")
        answer = audit(file)
    if findings(answer):
        return ""
    lines = answer.stderr.strip().splitlines() or ["pip-audit said nothing"]
    return f"it knows nothing of {CANARY}, which is known to be vulnerable ({lines[-1]})"


def main(arguments: list[str]) -> int:
    """0 = nothing known, or not audited and not required; 1 = vulnerable; 3 = not audited."""
    required = "--required" in arguments
    reason = unreachable()
    if reason:
        print(f"NOT AUDITED: the vulnerability database cannot be asked from here: {reason}.")
        return 3 if required else 0
    worst = 0
    for name in (each for each in arguments if each != "--required"):
        answer = audit(Path(name))
        found = findings(answer)
        if found is None:
            print(f"{name}: NOT AUDITED: {answer.stderr.strip()}")
            worst = worst or 3
        else:
            print("\n".join([f"{name}: {len(found)} known vulnerabilities", *found]))
            worst = 1 if found else worst
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
