"""Wrong usage in one line: which flag or argument, its value, the rule, and the way out.

Imported once something is wrong. What commands and flag types say of their own stands as it is;
click's own sentences, which know no way out, are said anew.
"""

import difflib
import re
from collections.abc import Sequence
from typing import Final

import click

_TOO_MUCH: Final = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_NOTHING: Final = "''"
"""An empty text, as a person writes it in a shell."""

_NO_COMMAND: Final = re.compile(r"No such command '(.*)'", re.DOTALL)


def said(error: click.ClickException) -> str:
    """The line, without the program's name."""
    match error:
        case click.MissingParameter(param=click.Parameter() as param):
            return f"{named(param, ctx=error.ctx)} is missing. {_see(error)}"
        case click.BadParameter(param=click.Parameter() as param):
            return f"{named(param, ctx=error.ctx)}: {error.message}"
        case click.BadParameter(param_hint=str() as hint):
            return f"{hint}: {error.message}"
        case click.NoSuchOption():
            return f"There is no {error.option_name}. {_meant(error.possibilities)}{_see(error)}"
        case click.BadOptionUsage() if "requires" in error.message:
            return f"{error.option_name} needs a value behind it."
        case click.BadOptionUsage():
            return f"{error.option_name} takes no value: leave out what stands behind the =."
        case click.UsageError() if (many := _TOO_MUCH.match(error.message)) is not None:
            return f"{many[1] or _NOTHING}: that is more than the command takes. {_see(error)}"
        case click.UsageError() if (none := _NO_COMMAND.match(error.message)) is not None:
            near = _meant(difflib.get_close_matches(none[1], _commands(error.ctx)))
            return f"There is no command {none[1]}. {near}{_see(error)}"
        case _:
            return error.format_message()


def named(param: click.Parameter, *, ctx: click.Context | None) -> str:
    """`--output`, or an argument as the help has it."""
    if isinstance(param, click.Argument):
        return param.make_metavar(ctx or click.Context(click.Command(None)))
    return max(param.opts, key=len)


def _commands(ctx: click.Context | None) -> Sequence[str]:
    group = ctx.command if ctx is not None else None
    return group.list_commands(ctx) if isinstance(group, click.Group) and ctx is not None else ()


def _meant(near: Sequence[str] | None) -> str:
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _see(error: click.UsageError) -> str:
    context = error.ctx
    return f"`{context.command_path} --help` says what there is." if context else ""
