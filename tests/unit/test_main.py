"""The command line as a process: help, versions, exit codes, and what it does not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aks_access import __version__
from aks_access.errors import AzureError, AzureFault, KubeError, SettingsError, StartupError
from aks_access.exits import ExitCode, exit_code
from aks_access.settings.table import SETTINGS

SOURCE = Path(__file__).parents[2] / "operator"


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AKS_ACCESS_", "AZURE_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env={**plain, "PYTHONPATH": str(SOURCE), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def aks_access(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "aks_access", *arguments, **variables)


def test_version():
    done = aks_access("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"aks-access, version {__version__}")


def test_help_names_the_commands():
    done = aks_access("--help")
    assert done.returncode == 0
    listed = " ".join(done.stdout.split())
    assert "run Run the operator." in listed
    assert "ledger Move ledgers to another management cluster." in listed


def test_help_of_run_explains_every_setting():
    done = aks_access("run", "--help")
    assert done.returncode == 0
    words = "".join(done.stdout.split())
    for setting in SETTINGS:
        assert setting.flag in words
        assert setting.variable in words
        assert "".join(setting.shown_default.split()) in words
        assert "".join(setting.description.split()) in words


def test_help_imports_neither_kopf_nor_the_azure_sdk():
    code = (
        "import sys; from aks_access.__main__ import cli;"
        "cli.main(['run', '--help'], standalone_mode=False);"
        "print('MODULES', *sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    modules = done.stdout.partition("MODULES ")[2].split()
    heavy = {"kopf", "kubernetes", "azure", "aiohttp", "pydantic", "prometheus_client"}
    assert "aks_access.settings" in modules
    assert not heavy.intersection(modules)


@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (
            ("--lease-duration", "5x"),
            {},
            "aks-access: --lease-duration: 5x is not a duration; write hours, minutes and seconds "
            "in that order, like 4h30m, 90m or 45s.",
        ),
        (
            (),
            {"AKS_ACCESS_WORKERS": "0"},
            "aks-access: AKS_ACCESS_WORKERS: 0 is no whole number from 1 to 256; write one of "
            "those.",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(arguments, variables, line):
    done = aks_access("run", *arguments, **variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [line]


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--lease", "1s", "--fly"), ()])
def test_wrong_usage_is_exit_code_2(arguments):
    done = aks_access(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), ExitCode.USAGE),
        (StartupError("x"), ExitCode.UNREACHABLE),
        (KubeError("x"), ExitCode.FAILED),
        (AzureError("x", fault=AzureFault.REFUSED), ExitCode.FAILED),
    ],
)
def test_exit_codes_of_errors(error, code):
    assert exit_code(error) is code


RUN = """
import sys
from aks_access.cli.run import execute
from aks_access.errors import StartupError
from aks_access.settings.table import Settings

async def main(settings):
    {body}

print(execute(Settings(), main=main))
"""


def executed(body: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python("-c", RUN.format(body=body), **variables)


def test_the_operators_exit_code_is_the_commands():
    done = executed("return 1")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "1", "")


def test_an_expected_error_passes_to_where_it_becomes_one_line():
    done = executed("raise StartupError('no kubeconfig')")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "aks_access.errors.StartupError: no kubeconfig"


def test_a_defect_is_one_record_with_its_traceback_and_exit_code_1():
    done = executed("raise ZeroDivisionError('so')")
    assert done.stdout.strip() == "1"
    (line,) = done.stderr.splitlines()
    record = json.loads(line)
    assert record["level"] == "CRITICAL"
    assert "ZeroDivisionError: so" in record["exception"]


def test_a_variable_that_is_no_setting_is_a_warning_in_the_log():
    done = executed("return 0", AKS_ACCESS_WORKRES="3")
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["level"] == "WARNING"
    assert "did you mean AKS_ACCESS_WORKERS?" in line


EXPECTED = """
import click
from aks_access import __main__
from aks_access.errors import StartupError

@__main__.cli.command("fail")
def fail():
    raise StartupError("no kubeconfig: name one with --kubeconfig")

__main__.main(["fail"])
"""


def test_an_expected_error_is_one_line_without_a_traceback():
    done = python("-c", EXPECTED)
    assert done.returncode == 3
    assert done.stderr == "aks-access: no kubeconfig: name one with --kubeconfig\n"


@pytest.mark.parametrize(("command", "code"), [("run", 0), ("ledger", 143)])
def test_a_sigterm_to_pid_1_is_a_good_end_of_the_operator_alone(command: str, code: int):
    """What else is cut short did not do what it was asked for."""
    script = (
        "import os, signal, sys\n"
        "os.getpid = lambda: 1\n"
        "from aks_access import __main__ as entry\n"
        "entry.cli.main = lambda **_: signal.raise_signal(signal.SIGTERM)\n"
        f"entry.main(['{command}'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
