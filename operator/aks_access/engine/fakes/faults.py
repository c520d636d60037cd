"""What goes wrong on purpose: errors to raise at the next calls of a fake's method."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """One planned failure.

    Attributes:
        method: the port's method; "*" = any.
        error: what is raised.
        times: how many calls it hits; None = all until it is lifted.
        applied: the call does its work first, only the answer is lost.
        about: only calls about this (a name, a cluster key); "" = all.
        skip: how many calls that it is for pass before it hits.
    """

    method: str
    error: Exception
    times: int | None = 1
    applied: bool = False
    about: str = ""
    skip: int = 0

    def hits(self, method: str, about: str) -> bool:
        """Whether it is for this call."""
        named = self.method in ("*", method)
        return named and self.times != 0 and (not self.about or self.about == about)


@dataclass(slots=True)
class Faults:
    """The failures that a fake has in store; `witness` is told of each one that hits.

    `asked` counts the calls of each method, failed ones too.
    """

    planned: list[Fault] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    witness: Callable[[], None] | None = None

    def plan(
        self,
        method: str,
        error: Exception,
        *,
        times: int | None = 1,
        applied: bool = False,
        about: str = "",
        skip: int = 0,
    ) -> Fault:
        """Plan a failure; `lift` ends it early."""
        fault = Fault(method, error, times=times, applied=applied, about=about, skip=skip)
        self.planned.append(fault)
        return fault

    def lift(self, fault: Fault) -> None:
        """End a planned failure."""
        self.planned.remove(fault)

    def take(self, method: str, about: str = "", *, applied: bool) -> None:
        """Raise what is planned for this call: before its work, or (`applied`) after it."""
        if not applied:
            self.asked[method] += 1
        for fault in self.planned:
            if fault.applied is applied and fault.hits(method, about):
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                if self.witness is not None:
                    self.witness()
                raise fault.error.with_traceback(None)  # else a shared one keeps every frame
