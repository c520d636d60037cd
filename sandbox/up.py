"""`python -m sandbox up`: the sandbox left running, to try things on by hand."""

import shlex
import signal
import sys
import threading
from collections.abc import Iterator

import click

from sandbox import azure_cli
from sandbox.arm.portal import VARIABLE
from sandbox.landscape import UNHURRIED, Landscape, landscape
from sandbox.operator import invocation


@click.command()
@click.option(
    "--operator/--no-operator",
    default=True,
    help="Whether the operator runs; without it there is room for one of yours.",
)
def up(operator: bool) -> None:
    """Run a control plane, the ARM emulator with three clusters, and the operator.

    Ctrl-C ends and removes everything. Nothing is applied but CRDs, rights and the ServiceAccount.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT: ignored where a shell said so
        signal.signal(number, signal.default_int_handler)
    try:
        with landscape(say=_say, run_operator=operator) as world:
            azure_cli.configure(azure_cli.folder_beside(world.arm))
            for line in directions(world):
                click.echo(line)
            while True:
                threading.Event().wait(1.0)
                if world.operator is not None:
                    world.operator.ensure_running()
    except KeyboardInterrupt:
        _say("everything is removed")


def directions(world: Landscape) -> Iterator[str]:
    """How to use what runs, as lines to read and to paste."""
    sandbox = f"{shlex.quote(sys.executable)} -m sandbox"
    yield "\nPaste into another shell, in this directory:\n"
    yield f"export KUBECONFIG={shlex.quote(str(world.plane.kubeconfig))}"
    yield f'export PATH={shlex.quote(str(world.kubectl.parent))}:"$PATH"'
    yield f"export {VARIABLE}={world.arm.control_url}"
    yield "\nThen, for example:\n"
    yield "kubectl apply -f examples/plain/ && kubectl apply -f examples/plain/grants/"
    yield "kubectl get aag,aat -A"
    yield f"{sandbox} arm list                            # what stands in Azure"
    yield f"{sandbox} arm add prod-weu 20.50.200.7/32     # a stranger's edit in the portal"
    yield f"{sandbox} arm clear prod-weu                  # somebody opens the cluster"
    if world.operator is not None:
        yield f"tail -f {shlex.quote(str(world.operator.log))}    # the operator's log"
        yield f"curl {world.operator.url}/metrics"
    yield from azure_cli.directions(world.arm)
    if world.operator is not None:
        yield "\nAnother operator, which stands by while the one that runs leads:\n"
    else:
        yield "\nAn operator:\n"
    started = invocation(plane=world.plane, arm=world.arm, **UNHURRIED)
    for name, value in started.variables.items():
        yield f"export {name}={shlex.quote(value)}"
    command = [f"{shlex.quote(sys.executable)} -m aks_access run --log-format=text"]
    yield " \\\n  ".join([*command, *map(shlex.quote, started.flags())])
    yield "\nCtrl-C here ends and removes everything.\n"


def _say(text: str) -> None:
    click.echo(f"sandbox: {text}")
