"""`aks-access completion`: what a shell needs to complete the commands."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from aks_access.cli.options.kinds import OneOf

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=OneOf(_SHELLS))
def completion(*, shell: str) -> None:
    """Print what completes commands in a shell.

    \b
    bash: source <(aks-access completion bash)      in ~/.bashrc
    zsh:  source <(aks-access completion zsh)       in ~/.zshrc
    fish: aks-access completion fish | source       in ~/.config/fish/config.fish
    """
    from aks_access.__main__ import COMPLETE_VARIABLE, cli

    found = get_completion_class(shell)
    assert found is not None  # click.Choice has seen to it
    # The class's own source() would start bash to ask for its version.
    click.echo(ShellComplete.source(found(cli, {}, "aks-access", COMPLETE_VARIABLE)))
