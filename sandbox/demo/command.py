"""`python -m sandbox demo`: sets the world up, plays the story, ends with 0 only if all held."""

import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from sandbox.demo.play import STEPS
from sandbox.demo.screen import Screen
from sandbox.demo.stage import CheckFailedError, Stage
from sandbox.demo.summary import show_steps, show_writes
from sandbox.existing import site
from sandbox.landscape import Landscape, landscape, own_control_plane
from sandbox.management import Ground
from sandbox.processes import ProcessError

DRIFT_INTERVAL = "2s"
"""Each cluster is read this often, so that nobody waits for a portal edit to be noticed."""


@click.command()
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Run on a cluster that is already there: this file's. $KUBECONFIG is not read.",
)
@click.option("--context", help="Which of its contexts; the current one where none is named.")
@click.option("--remove", is_flag=True, help="Only remove what a killed demo left on the cluster.")
def demo(kubeconfig: Path | None, context: str | None, remove: bool) -> None:
    """Show the main job end to end on three clusters of the emulator, and check every step.

    Takes about a minute; the first time on a machine the control plane is built before, which takes
    some minutes more. On a cluster of yours (--kubeconfig) only the API server is yours: the
    operator runs here, and Azure is the emulator. It refuses where anything of the same name
    exists, and removes what it made. Exit code 0 only if every check held.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)
    screen = Screen()
    ground: Ground = own_control_plane
    if kubeconfig is not None:
        kubeconfig = kubeconfig.expanduser()
        ground = site.existing(kubeconfig, context=context)
    elif context is not None or remove:
        raise click.UsageError("--context and --remove need --kubeconfig: name the file.")
    if kubeconfig is not None and remove:
        site.remove(kubeconfig, context=context, say=screen.note)
        return
    screen.heading("Setting up")
    started = time.monotonic()
    with landscape(say=screen.note, on=ground, drift_interval=DRIFT_INTERVAL) as world:
        took = {"Setting up": time.monotonic() - started}
        held = play(world, screen=screen, took=took)
    sys.exit(0 if held else 1)


def play(
    world: Landscape,
    *,
    screen: Screen,
    took: dict[str, float],
    steps: Sequence[Callable[[Stage], None]] = STEPS,
) -> bool:
    """Play the story and show its figures; False where a check failed, which ends it.

    `took` is given the seconds of each step.
    """
    assert world.operator is not None
    stage = Stage(world=world, operator=world.operator, screen=screen)
    for number, step in enumerate(steps, start=1):
        title = f"{number}. {step.__doc__}"
        screen.heading(title)
        began = time.monotonic()
        try:
            step(stage)
        except CheckFailedError as failed:
            screen.failed(
                failed.what,
                expected=failed.expected,
                seen=failed.seen,
                log=world.operator.last_words(),
            )
            screen.result(f"Step {number} failed.", good=False)
            return False
        except ProcessError as error:
            screen.result(f"Step {number} failed: {error}", good=False)
            return False
        took[title] = time.monotonic() - began
    show_steps(screen, seconds=took)
    show_writes(stage)
    total = sum(took.values())
    screen.result(f"All {stage.checks} checks held, in {total:.0f} s.", good=True)
    return True
