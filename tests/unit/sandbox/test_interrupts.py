"""What runs until somebody ends it takes each signal that ends it as it takes Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner

from sandbox.demo.command import demo
from sandbox.up import up

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signals that do nothing while nobody has taken them, instead of ending the tests."""
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("command", "module", "number"),
    [
        *((demo, "sandbox.demo.command", number) for number in SIGNALS),
        *((up, "sandbox.up", number) for number in (signal.SIGINT, signal.SIGTERM)),
    ],
)
def test_a_signal_ends_it_as_ctrl_c_does(
    monkeypatch: pytest.MonkeyPatch, command: click.Command, module: str, number: signal.Signals
) -> None:
    given_back: list[signal.Signals] = []

    @contextmanager
    def world(**_: object) -> Iterator[None]:
        try:
            signal.raise_signal(number)
            pytest.fail(f"{number.name} was not taken")
            yield
        finally:
            given_back.append(number)

    monkeypatch.setattr(f"{module}.landscape", world)
    done = CliRunner().invoke(command, [])
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert done.exit_code == (1 if command is demo else 0)
    assert ("everything is removed" in done.output) == (command is up)
    assert given_back == [number]
