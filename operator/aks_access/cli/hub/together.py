"""Several questions to the API server at once: each is a process that mostly waits."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Asked(Generic[Answer]):
    """A question that is being answered; calling it waits, and raises what went wrong."""

    def __init__(self, question: Callable[[], Answer]) -> None:
        self._question = question
        self._answer: list[Answer] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._answer.append(self._question())
        except BaseException as error:
            self._error = error

    def __call__(self) -> Answer:
        """The answer."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]


def together(questions: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """All answers, in the order of the questions; the first error among them is raised."""
    return [each() for each in [Asked(question) for question in questions]]
