"""Wrong usage of every flag and argument is answered in one line that names it and the value.

What each says stands in the transcripts, to be read; here is seen to it that none is forgotten.
"""

import functools
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from aks_access.__main__ import cli
from aks_access.cli.surroundings import Surroundings
from aks_access.cli.usage import named
from aks_access.settings import SETTINGS
from tests.unit.cli.transcript import GOLDEN, execute


class Answer(NamedTuple):
    """A command that ended with a complaint."""

    words: list[str]
    code: int
    said: str


@functools.cache
def answers() -> list[Answer]:
    """Those of all transcripts; `said` is the line of the complaint."""
    found = []
    for path in GOLDEN.glob("*.txt"):
        for block in re.split(r"^\$ ", path.read_text(), flags=re.MULTILINE)[1:]:
            command, _, said = block.partition("\n")
            ended = re.search(r"^\[exit (\d+)\]$", said, flags=re.MULTILINE)
            complaint = re.search(r"^aks-access: .*$", said, flags=re.MULTILINE)
            if ended and complaint and command.startswith("aks-access "):
                words = shlex.split(command.partition(" < ")[0])[1:]
                found.append(Answer(words, int(ended[1]), complaint[0]))
    return found


Flag = tuple[tuple[str, ...], click.Parameter]


def flags(command: click.Command, *path: str) -> Iterator[Flag]:
    """Every flag that takes a value, and every argument, of every command."""
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from flags(below, *path, name)
    for param in command.params:
        if not (isinstance(param, click.Option) and (param.is_flag or param.name == "help")):
            yield path, param


def called(flag: Flag) -> str:
    path, param = flag
    return " ".join([*path, named(param, ctx=None)])


ELSEWHERE = {"run", "--context", "--cluster", "--user", "--as", "--as-group"}
"""The operator's flags are those of its settings, and kubectl looks for contexts and people."""
FLAGS = [each for each in flags(cli) if not ELSEWHERE & {each[0][0], named(each[1], ctx=None)}]


def values(words: Sequence[str], param: click.Parameter) -> Iterator[str]:
    """What a command line gives to a flag; of an argument, all that may be it."""
    if isinstance(param, click.Argument):
        yield from (word for word in words if not word.startswith("-"))
        return
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        name, assigned, value = word.partition("=")
        if name in param.opts:
            yield value if assigned else following


@pytest.mark.parametrize("flag", FLAGS, ids=called)
def test_wrong_usage_is_answered(flag: Flag) -> None:
    path, param = flag
    name = named(param, ctx=None)
    about = [
        each
        for each in answers()
        if tuple(each.words[: len(path)]) == path
        and any(value[:64] in each.said for value in values(each.words[len(path) :], param))
        and ((each.code == 2 and name in each.said) or isinstance(param, click.Argument))
    ]
    assert about, "write a case of it, with a wrong value, into tests/golden/cli/usage.txt"


@pytest.mark.parametrize("flag", [each.flag for each in SETTINGS])
def test_wrong_usage_of_the_operators_flags_is_answered(flag: str) -> None:
    code, out, err = execute(f"aks-access run {flag} '\t no'")
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"aks-access: {flag}: .*no.* .+\n", err)


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    (tmp_path / "config").write_text("apiVersion: v1\nkind: Config\n")
    said = f"aks-access who --context nowhere --kubeconfig {tmp_path}/config"
    assert execute(said, place=Surroundings()) == (
        2,
        "",
        'aks-access: The kubeconfig has no context "nowhere". `kubectl config get-contexts` lists '
        "what there is.\n",
    )
