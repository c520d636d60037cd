"""`python -m sandbox up`: the sandbox left running, to try things on by hand."""

import shlex
import signal
import sys
import threading
from types import FrameType

import click

from sandbox.arm.portal import VARIABLE
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.landscape import UNHURRIED, Landscape, landscape
from sandbox.operator import OperatorProcess


@click.command()
@click.option("--operator/--no-operator", default=True, help="Whether the operator runs.")
def up(operator: bool) -> None:
    """Run a control plane, the ARM emulator with three clusters, and the operator; Ctrl-C ends it.

    Nothing is applied but CRDs, rights and the ServiceAccount: examples/ is there to be applied.
    """
    over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with landscape(say=lambda text: click.echo(f"sandbox: {text}"), run_operator=operator) as world:
        for line in directions(world):
            click.echo(line)
        while not over.wait(1.0):
            if world.operator is not None:
                world.operator.ensure_running()
        click.echo("sandbox: ending; everything is removed")
