"""The kept score: what is recorded of each module, which survivors are accepted, and the verdict.

`score.json` is written by each run, of the modules that it is over. `accepted.toml` is written by
people: mutants that change nothing anybody could notice, each with the reason why. They count as
survivors.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SCORE: Final = HERE / "score.json"
ACCEPTED: Final = HERE / "accepted.toml"

GOAL: Final = 0.90
"""Of each module's mutants so many are to be killed, so that none hides behind the others."""

_CAUGHT: Final = frozenset({"killed", "hung"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed line, or a few, of one function.

    Attributes:
        module: name below `aks_access.plan`.
        name: mutmut's, unique in the module: function and number.
        was, now: what was changed and what it reads since; with the place it names the mutant in
            the lists of this directory, where a number would be another one after each edit.
    """

    module: str
    name: str
    was: str
    now: str

    @property
    def place(self) -> str:
        """The function as a person names it: `free_at` or `Bucket.free_at`."""
        mangled = self.name.partition("__mutmut_")[0]
        return mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is accepted by."""
        return (self.module, self.place, self.was, self.now)

    def __str__(self) -> str:
        return f"{self.module}.{self.place}\n  - {self.was}\n  + {self.now}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many mutants of a module there are, and how many the tests notice."""

    mutants: int
    killed: int

    @property
    def score(self) -> float:
        """Which part of them is killed."""
        return self.killed / self.mutants if self.mutants else 1.0


def tallies(*, mutants: Iterable[Mutant], verdicts: Mapping[str, str]) -> dict[str, Tally]:
    """The tally of each module; `verdicts` by mutant name, prefixed with its module and a dot."""
    every, killed = Counter[str](), Counter[str]()
    for mutant in mutants:
        every[mutant.module] += 1
        killed[mutant.module] += verdicts[f"{mutant.module}.{mutant.name}"] in _CAUGHT
    return {module: Tally(every[module], killed[module]) for module in sorted(every)}


def together(found: Mapping[str, Tally]) -> Tally:
    """All modules as one."""
    return Tally(
        mutants=sum(tally.mutants for tally in found.values()),
        killed=sum(tally.killed for tally in found.values()),
    )


def complaints(found: Mapping[str, Tally]) -> list[str]:
    """Which modules fall short of the goal; empty = none does."""
    return [
        f"{module}: {tally.score:.1%} killed, less than {GOAL:.0%}"
        for module, tally in found.items()
        if tally.score < GOAL
    ]


def accepted() -> dict[tuple[str, str, str, str], str]:
    """The accepted mutants, by key, with the reason of each."""
    listed = tomllib.loads(ACCEPTED.read_text()).get("mutant", [])
    return {
        (each["module"], each["place"], each["was"], each["now"]): each["reason"] for each in listed
    }


def read() -> dict[str, Tally]:
    """The recorded tallies."""
    return {module: Tally(**tally) for module, tally in json.loads(SCORE.read_text()).items()}


def write(found: Mapping[str, Tally], *, whole: bool) -> None:
    """Record the tallies; of some modules beside what is recorded of the others."""
    known = {} if whole else read()
    kept = {module: asdict(tally) for module, tally in sorted({**known, **found}.items())}
    SCORE.write_text(json.dumps(kept, indent=2) + "\n")


def survivors(*, mutants: Sequence[Mutant], verdicts: Mapping[str, str]) -> list[Mutant]:
    """Those that no test notices."""
    return [each for each in mutants if verdicts[f"{each.module}.{each.name}"] not in _CAUGHT]
