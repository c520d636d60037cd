"""`make audit` never takes a database that cannot be asked for one that knows nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).resolve().parents[2] / "requirements" / "audit.py"


def dependency(name: str, *ids: str) -> dict[str, object]:
    vulnerabilities = [{"id": each, "fix_versions": ["9"]} for each in ids]
    return {"name": name, "version": "1", "vulns": vulnerabilities}


def run(
    tmp_path: Path, *options: str, canary: dict[str, object], lock: dict[str, object] | None = None
) -> subprocess.CompletedProcess[str]:
    """The script with a pip-audit that answers these for the canary and for the lock file."""
    answers = {"canary.txt": canary, "lock.txt": lock}
    stub = tmp_path / "pip-audit"
    stub.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"answer = json.loads({json.dumps(answers)!r})[os.path.basename(sys.argv[-1])]\n"
        "print(json.dumps({'dependencies': [answer]}) if answer else '')\n"
        "print('it is not on the index', file=sys.stderr)\n"
    )
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(
        [sys.executable, str(AUDIT), *options, str(tmp_path / "lock.txt")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--required",), 3)])
def test_a_database_that_cannot_be_asked_is_told_of(
    tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    done = run(tmp_path, *options, canary={"name": "jinja2", "skip_reason": "not found"})
    assert done.returncode == code
    assert "NOT AUDITED" in done.stdout
    assert "it is not on the index" in done.stdout


def test_a_vulnerability_fails_and_names_the_way_out(tmp_path: Path) -> None:
    lock = dependency("idna", "CVE-1")
    done = run(tmp_path, canary=dependency("jinja2", "CVE-0"), lock=lock)
    assert done.returncode == 1
    assert "idna 1: CVE-1, fixed in 9" in done.stdout


def test_nothing_known_passes(tmp_path: Path) -> None:
    done = run(tmp_path, canary=dependency("jinja2", "CVE-0"), lock=dependency("idna"))
    assert (done.returncode, "NOT AUDITED" in done.stdout) == (0, False)


def test_a_file_that_could_not_be_audited_is_no_success(tmp_path: Path) -> None:
    done = run(tmp_path, canary=dependency("jinja2", "CVE-0"))
    assert done.returncode == 3
    assert "lock.txt: NOT AUDITED" in done.stdout
