"""Faults on purpose: ordered rules by method and path, with hit counts.

A rule answers by itself (`status`), resets the connection before anything is handled (`reset`),
lets the request take effect and throws the answer away (`lose_answer`), or only slows it down
(`delay` before handling, `answer_delay` after it, `hold` until released).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule; the first that matches and is not spent is applied."""

    fault_id: str = ""
    method: str = ".*"
    """Regular expression for the whole method."""
    path: str = ""
    """Regular expression searched in the path and query, without regard to case."""
    skip: int = 0
    """Let this many matching calls pass first."""
    count: int | None = 1
    """Apply to this many calls; None = to all."""
    status: int | None = None
    code: str = ""
    message: str = ""
    bare: bool = False
    """Error envelope of the resource provider instead of ARM's."""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """Whole answer, instead of an error made from code and message."""
    delay: float = 0.0
    answer_delay: float = 0.0
    reset: bool = False
    lose_answer: bool = False
    hold: bool = False
    """Do not handle the request until `release_fault`."""
    matched: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        re.compile(self.method)
        re.compile(self.path)

    @property
    def answers(self) -> bool:
        """Whether the rule takes the place of the emulator's own answer."""
        return self.reset or self.status is not None

    def take(self, *, method: str, path: str) -> bool:
        """Count a call that matches; return whether the rule applies to it."""
        if re.fullmatch(self.method, method, re.IGNORECASE) is None:
            return False
        if re.search(self.path, path, re.IGNORECASE) is None:
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.matched += 1
        if self.matched <= self.skip:
            return False
        self.hits += 1
        return True


class Faults:
    """The rules in force, oldest first; spent ones stay for their counts."""

    def __init__(self) -> None:
        self._rules: dict[str, Fault] = {}
        self._made = 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._rules.values())

    def add(self, fault: Fault) -> str:
        """Append a rule; return its id."""
        self._made += 1
        fault.fault_id = fault.fault_id or f"fault-{self._made}"
        self._rules[fault.fault_id] = fault
        return fault.fault_id

    def remove(self, fault_id: str) -> None:
        """Take a rule away; raises KeyError when there is none of that id."""
        del self._rules[fault_id]

    def get(self, fault_id: str) -> Fault | None:
        """Return a rule by its id."""
        return self._rules.get(fault_id)

    def match(self, *, method: str, path: str) -> Fault | None:
        """Return the rule that applies to this call."""
        return next((rule for rule in self if rule.take(method=method, path=path)), None)

    def clear(self) -> None:
        """Take all rules away."""
        self._rules.clear()
