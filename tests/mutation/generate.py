"""The mutants of `plan/`, made by mutmut: each module of a copied tree gets all of its own at once.

mutmut puts a copy of a function per mutant beside it and chooses one at each call. What stands
outside of functions, or in a decorated one, it leaves alone.
"""

from collections.abc import Container, Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Final

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

from tests.mutation.score import Mutant

SOURCES: Final = Path("operator", "aks_access", "plan")


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
        original = source(f"{name.partition('__mutmut_')[0]}__mutmut_orig")
        changed = list(unified_diff(original, source(name), n=0, lineterm=""))[2:]
        was, now = (
            " ".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+"
        )
        yield Mutant(module=module, name=name, was=was, now=now)
