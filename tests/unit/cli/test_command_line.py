"""The command line as a process: what it imports, how fast help is, colours, pipes, the plugin."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aks_access.__main__ import COMMANDS
from aks_access.api.crd import file_name, render
from aks_access.api.names import Kind
from sandbox.processes import alive, wait_until
from tests.unit.cli import scene
from tests.unit.cli.transcript import GOLDEN, execute

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("_AKS", "NO_COLOR"))},
    "PYTHONPATH": str(ROOT / "operator"),
}
BAD = str(GOLDEN / "files" / "grants" / "bad.yaml")


def process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aks_access", *arguments],
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


CLIENTS = {"run", "ledger", "doctor", "adopt"}
"""Commands that may load a client of Kubernetes or Azure: they are the operator's, or ask Azure."""


@pytest.mark.parametrize("command", sorted({*COMMANDS} - CLIENTS))
def test_a_command_of_people_imports_no_client(command: str) -> None:
    code = (
        "import sys; from aks_access.__main__ import cli; "
        f"cli.main([{command!r}, '--help'], standalone_mode=False); print('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.partition("MODULES ")[2].split()}
    assert not loaded & {"kopf", "kubernetes", "azure", "aiohttp", "asyncio", "prometheus_client"}


LOOKING = """
import json, sys
from aks_access.__main__ import cli
from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.surroundings import Surroundings
hub = FakeCluster()
hub.add(*json.load(sys.stdin))
cli.main(sys.argv[1:], standalone_mode=False, obj=Surroundings(cluster=lambda reach: hub))
print("MODULES", *sys.modules)
"""


@pytest.mark.parametrize(
    "line", ["who prod-weu", "status", "explain 81.2.69.142", "explain team-a/home"]
)
def test_whoever_looks_waits_for_no_models(line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOKING, *line.split()],
        env=ENVIRONMENT,
        input=json.dumps(scene.objects()),
        capture_output=True,
        text=True,
        check=True,
    )
    said, _, modules = done.stdout.partition("MODULES ")
    assert "prod-weu" in said
    assert not {"pydantic", "yaml", "rich", "ssl"} & set(modules.split())


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from aks_access.__main__ import cli; "
        "cli.main(['--help'], standalone_mode=False); print('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    modules = done.stdout.partition("MODULES ")[2].split()
    assert [name for name in modules if name.startswith("aks_access.") and ".cli" in name] == []


def on_terminal(**variables: str) -> str:
    """What `validate` says to a terminal."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.Popen(
            [sys.executable, "-m", "aks_access", "validate", BAD],
            env={**ENVIRONMENT, **variables},
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        said = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:
                break
            if not chunk:
                break
            said += chunk
        done.wait()
    finally:
        os.close(ours)
    return said.decode()


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[31merror\x1b[0m" in on_terminal()
    assert "\x1b" not in on_terminal(NO_COLOR="1")
    assert "\x1b" not in process("validate", BAD).stdout


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m aks_access crds | head -1"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("# Generated")
    assert "Traceback" not in done.stderr


def scripted(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A shell's line about `$0`, which begins the command."""
    return subprocess.run(
        ["bash", "-c", line.replace("$0", f"{sys.executable} -m aks_access")],
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


ASKS = "$0 grant prod-weu --ip 81.2.69.142 --for 1h --reason x -o yaml"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$0 who --nope 2>&-", 2),
        ("$0 who --nope >&- 2>&-", 2),
        (f"{ASKS} <&- 2>&-", 0),
    ],
)
def test_a_stream_that_is_closed_changes_no_exit_code(line: str, code: int) -> None:
    done = scripted(line)
    assert (done.returncode, "defect" in done.stderr) == (code, False)


FULL = "aks-access: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("$0 --version >/dev/full", 1, FULL),
        ("$0 crds >/dev/full", 1, FULL),
        (f"$0 validate {BAD} >/dev/full", 1, FULL),
        (f"{ASKS} >/dev/full", 1, FULL),
        (f"{ASKS} >/dev/full 2>&1", 1, ""),
        ("$0 who --nope 2>/dev/full", 2, ""),
    ],
)
def test_output_that_cannot_be_written_is_no_defect(
    line: str, code: int, said: str, unbuffered: str
) -> None:
    done = scripted(line, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "")


def test_without_a_kubeconfig_ledgers_are_one_line(tmp_path: Path) -> None:
    bare = "env -u KUBECONFIG -u KUBERNETES_SERVICE_HOST"
    done = scripted(f"{bare} $0 ledger export --all", HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "aks-access: no access to a Kubernetes API server through kubeconfig "
        f"{tmp_path}/.kube/config: there is no such file. Run in a cluster, or name a kubeconfig "
        "and a context that it has\n"
    )


def test_a_character_that_the_output_cannot_have_is_named_with_the_way_out() -> None:
    line = f"{ASKS} --ticket \u0142"
    done = scripted(line, PYTHONIOENCODING="latin-1")
    assert done.returncode == 1
    assert done.stderr == (
        "aks-access: The output's encoding, latin-1, has no '\\u0142'. Another one: set "
        "PYTHONUTF8=1.\n"
    )
    assert scripted(line, PYTHONUTF8="1").returncode == 0


def test_a_defect_is_one_line_that_says_where() -> None:
    code = (
        "import click; from aks_access import __main__\n"
        "@__main__.cli.command('fail')\n"
        "def fail(): raise ZeroDivisionError('so')\n"
        "__main__.main(['fail'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "aks-access: this is a defect, please report it: ZeroDivisionError: so "
        "(<string>:3 in fail)\n"
    )


def test_crds_are_those_of_the_repository() -> None:
    code, out, _ = execute("aks-access crds")
    assert code == 0
    assert out == "---\n".join((ROOT / "crds" / file_name(kind)).read_text() for kind in Kind)
    assert out.count(render(Kind.GRANT)) == 1
    listed = json.loads(execute("aks-access crds -o json")[1])
    assert [each["metadata"]["name"].partition(".")[0] for each in listed["items"]] == [
        "apiaccessgrants",
        "apiaccesstargets",
        "iprangesets",
    ]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with both commands, as an installation has them."""
    for name in ("aks-access", "kubectl-aks_access"):
        script = tmp_path / name
        script.write_text(f"#!{sys.executable}\nfrom aks_access.__main__ import main\nmain()\n")
        script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def test_kubectl_finds_the_plugin(path: str) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        [kubectl, "aks-access", "validate", "--help"],
        env={**ENVIRONMENT, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: kubectl aks-access validate ")


def test_bash_completes_commands_and_their_options(path: str) -> None:
    script = """
        source <(aks-access completion bash)
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
                _aks_access_completion aks-access; echo "${COMPREPLY[@]}"; }
        ask aks-access ""; ask aks-access val; ask aks-access validate --fo
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env={**ENVIRONMENT, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        " ".join(COMMANDS),
        "validate",
        "--format",
    ]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_how_to_ask(shell: str) -> None:
    code, out, err = execute(f"aks-access completion {shell}")
    assert (code, err) == (0, "")
    assert f"_AKS_ACCESS_COMPLETE={shell}_complete" in out


def test_a_command_that_is_ended_leaves_no_kubectl(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho $$ >>asked\nexec sleep 60\n")
    kubectl.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "aks_access", "status"],
        env={**ENVIRONMENT, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        cwd=tmp_path,
    ) as command:
        asked = tmp_path / "asked"
        wait_until(
            lambda: asked.exists() and asked.read_text().strip(), what="a question", timeout=30
        )
        command.terminate()
        try:
            assert command.wait(timeout=30) == 128 + signal.SIGTERM
        finally:
            command.kill()
    pids = [int(pid) for pid in asked.read_text().split()]
    wait_until(lambda: not any(map(alive, pids)), what="kubectl to be ended", timeout=30)
