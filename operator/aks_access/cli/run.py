"""`aks-access run`: the operator itself, started with settings from flags and variables.

Kopf and the Azure SDK are imported once there is something to run, so that help and a wrong flag
answer at once.
"""

import logging
import os
from collections.abc import Callable, Coroutine
from itertools import groupby

import click

from aks_access.errors import AksAccessError
from aks_access.exits import ExitCode
from aks_access.settings.setting import Setting
from aks_access.settings.table import SETTINGS, Settings, unknown_variables

logger = logging.getLogger(__name__)

Main = Callable[[Settings], Coroutine[None, None, int]]
"""The operator: runs until it is told to stop, and answers its exit code."""


class SettingOption(click.Option):
    """A flag made from a `Setting`; its text is read by `Settings.load`, not by click."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(
            [setting.flag],
            type=click.STRING,
            metavar=setting.form.metavar,
            help=(
                f"{setting.description} [{setting.form.unit}; default: {setting.shown_default}; "
                f"variable: {setting.variable}]"
            ),
        )
        self.section = setting.section


class RunCommand(click.Command):
    """A command whose help groups the flags by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one block of flags for each section of the settings."""
        options = [option for option in self.params if isinstance(option, SettingOption)]
        for section, members in groupby(options, key=lambda option: option.section):
            with formatter.section(section):
                formatter.write_dl(
                    [record for each in members if (record := each.get_help_record(ctx))]
                )


def execute(settings: Settings, *, main: Main) -> int:
    """Set up the logs and run `main` to its end; returns its exit code.

    Expected errors (AksAccessError) pass; any other is logged with its traceback as one record.
    """
    import asyncio

    from aks_access.ops import logs

    logs.configure(level=settings.log_level, form=settings.log_format)
    for sentence in unknown_variables(os.environ):
        logger.warning("%s", sentence)
    try:
        return asyncio.run(main(settings))
    except AksAccessError:
        raise
    except Exception:
        logger.critical("The operator failed unexpectedly; this is a defect.", exc_info=True)
        return ExitCode.FAILED


@click.command(
    "run",
    cls=RunCommand,
    params=[SettingOption(setting) for setting in SETTINGS],
    short_help="Run the operator.",
)
@click.pass_context
def run(ctx: click.Context, /, **given: str | None) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Every flag has a variable of the same meaning; a flag wins. Several replicas may run: one
    leads, the others stand by.

    Exit codes: 0 stopped as asked, 1 failed while running, 2 wrong flag or setting, 3 something
    needed is missing at the start, 70 the event loop hung.
    """
    settings = Settings.load(
        given={name.replace("_", "-"): text for name, text in given.items() if text is not None},
        environment=os.environ,
    )
    from aks_access import app

    ctx.exit(execute(settings, main=app.run))
