"""What kubectl asks at Tab after `kubectl aks-access`: the program `kubectl_complete-aks_access`.

kubectl calls it with the words after the plugin's name, the one to complete last, and reads a
completion per line (with a description behind a tab) and at the end a directive: `:4`, no names of
files, or `:0`, those too.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from click.shell_completion import CompletionItem, ShellComplete

NO_FILES: Final = ":4"
FILES: Final = ":0"


def completions(words: Sequence[str]) -> Iterator[str]:
    """The lines that answer kubectl; `words` without the plugin's name."""
    from aks_access.__main__ import COMPLETE_VARIABLE, cli, program

    *before, incomplete = words or [""]
    asked = ShellComplete(cli, {}, program("kubectl-aks_access"), COMPLETE_VARIABLE)
    found = asked.get_completions(list(before), incomplete)
    files = any(each.type in ("file", "dir") for each in found)
    yield from (_line(each) for each in found if each.type == "plain")
    yield FILES if files else NO_FILES


def _line(item: CompletionItem) -> str:
    return f"{item.value}\t{item.help}" if item.help else str(item.value)


def main() -> None:
    """Answer kubectl; never with an error, which would stand in the middle of a command line."""
    try:
        for line in completions(sys.argv[1:]):
            print(line)
    except Exception:
        print(NO_FILES)


if __name__ == "__main__":
    main()
