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
from aks_access.settings.table import SETTINGS
from tests.unit.cli.transcript import GOLDEN, execute, files


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


def flags(command: click.Command, *path: str, switches: bool = False) -> Iterator[Flag]:
    """Every argument of every command and every flag that takes a value; `switches`: or none."""
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from flags(below, *path, name, switches=switches)
    for param in command.params:
        is_switch = isinstance(param, click.Option) and (param.is_flag or param.name == "help")
        if switches or not is_switch:
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


COMMANDS = {
    ("grant",): "prod-weu --ip 81.2.69.142 --for 1h --reason x",
    ("extend",): "dev-laptop --for 9h",
    ("revoke",): "dev-laptop",
    ("explain",): "81.2.69.142",
    ("validate",): "grants",
    ("gc",): "tree",
    ("plan",): "prod-weu",
    ("adopt",): "--subscription x",
    ("ledger", "export"): "--all",
    ("ledger", "import"): "hub.yaml",
    ("completion",): "bash",
}
"""What makes a whole command of a command's name, where the name alone is none."""

NOT_GIVEN = {
    *("--namespace", "--operator-namespace", "--kubeconfig", "--context", "--cluster", "--user"),
    *("--as", "--request-timeout", "--ticket", "--requested-by"),
}
EMPTY = [
    (path, param)
    for path, param in flags(cli)
    if path[0] != "run" and named(param, ctx=None) != "--as-group"
]
"""kubectl refuses --as-group without --as, as we do."""


@pytest.mark.parametrize("flag", EMPTY, ids=called)
def test_an_empty_text_is_refused_or_is_as_if_the_flag_were_not_given(flag: Flag) -> None:
    """A shell gives it for a variable that is not set. kubectl passes over its own flags then."""
    path, param = flag
    command, name = " ".join(("aks-access", *path)), named(param, ctx=None)
    words = shlex.split(COMMANDS.get(path, ""))
    with files():
        if name in NOT_GIVEN and called(flag) != "adopt --namespace":
            rest = shlex.join(words)
            assert execute(f"{command} {rest} {name} ''") == execute(f"{command} {rest}")
            return
        if name in words:
            at = words.index(name)
            del words[at : at + 2]
        if isinstance(param, click.Argument):
            words = words[1:] if words and not words[0].startswith("-") else []
            name = ""
        code, out, err = execute(f"{command} {name} '' {shlex.join(words)}")
    assert (code, out, err.count("\n")) == (2 if name or code == 2 else 1, "", 1), err
    assert any(said in err for said in ("''", '""', "there is nothing in it"))
    assert name in err


SHOWN = [each for each in flags(cli, switches=True) if not getattr(each[1], "hidden", False)]


@pytest.mark.parametrize("flag", SHOWN, ids=called)
def test_help_tells_of_every_flag_and_argument(flag: Flag) -> None:
    path, param = flag
    if isinstance(param, click.Option):
        assert param.help
        return
    command: click.Command | None = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    for word in re.findall(r"\w+", named(param, ctx=None)):
        assert re.search(rf"\b{word}(s|…)?(?!\w)", command.help or ""), word


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
