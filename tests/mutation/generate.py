"""The mutants of `plan/`, made by mutmut: each module of a copied tree gets all of them at once.

mutmut puts a copy of a function per mutant beside it and chooses one at each call. What stands
outside of functions, or in a decorated one, it leaves alone.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Final

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

PACKAGE: Final = "aks_access.plan"
SOURCES: Final = Path("operator", *PACKAGE.split("."))
_NUMBER: Final = "__mutmut_"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed line, or a few, of one function.

    Attributes:
        module: name below `PACKAGE`.
        name: mutmut's, unique in the module: function and number.
        was, now: what was changed and what it reads since; it names the mutant in the lists of
            this directory, where a number would be another one after each edit.
    """

    module: str
    name: str
    was: str
    now: str

    @property
    def id(self) -> str:
        """What the trampolines compare with."""
        return f"{PACKAGE}.{self.module}.{self.name}"

    @property
    def function(self) -> str:
        """The function, as mutmut's statistics name it: all its mutants have it in common."""
        return self.id.partition(_NUMBER)[0]

    @property
    def place(self) -> str:
        """The function as a person names it: `free_at` or `Bucket.free_at`."""
        mangled = self.name.partition(_NUMBER)[0]
        return mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")


def mutate(tree: Path, *, modules: Container[str] = ()) -> list[Mutant]:
    """Write the mutants into the tree's copy of `plan/`; of these modules, or of all."""
    found: list[Mutant] = []
    for path in sorted((tree / SOURCES).glob("*.py")):
        if modules and path.stem not in modules:
            continue
        result = mutate_file_contents(str(path), path.read_text())
        if result.mutant_names:
            path.write_text(result.code)
            found += _described(module=path.stem, result=result)
    return found


def _described(*, module: str, result: MutatedFile) -> Iterator[Mutant]:
    lines = result.code.splitlines()

    def source(name: str) -> list[str]:
        span = result.line_span_by_function_name[name]
        text = lines[span.start - 1 : span.end]
        return [line.replace(name, "") for line in text if not line.lstrip().startswith("@")]

    for name in result.mutant_names:
        original = source(name.partition(_NUMBER)[0] + _NUMBER + "orig")
        changed = list(unified_diff(original, source(name), n=0, lineterm=""))[2:]
        was, now = (
            " ".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+"
        )
        yield Mutant(module=module, name=name, was=was, now=now)
