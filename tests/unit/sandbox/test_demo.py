"""The demo's printing, and what it does when something is not as told."""

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from sandbox.demo.command import play
from sandbox.demo.play import STEPS
from sandbox.demo.screen import Screen
from sandbox.demo.stage import CheckFailedError, Stage
from sandbox.landscape import Landscape
from sandbox.processes import ProcessError


def screen() -> tuple[Screen, io.StringIO]:
    text = io.StringIO()
    return Screen(Console(file=text, highlight=False)), text


def world() -> Landscape:
    operator = SimpleNamespace(last_words=lambda: "last words", ensure_running=lambda: None)
    return cast(Landscape, SimpleNamespace(operator=operator, clusters={}))


def test_a_failed_check_ends_the_play_and_says_what_was_seen() -> None:
    shown, text = screen()
    later: list[Stage] = []

    def breaks(stage: Stage) -> None:
        """A step that breaks"""
        stage.holds("holds", seen=1, expected=1)
        stage.holds("the list is right", seen=frozenset({"b", "a"}), expected=None)

    steps = (breaks, later.append)
    assert not play(world(), screen=shown, took={}, steps=steps)
    said = text.getvalue()
    assert "1. A step that breaks" in said
    assert "ok  holds" in said
    assert "FAILED  the list is right" in said
    assert "expected: anyone can reach it" in said
    assert "seen:     a, b" in said
    assert "| last words" in said
    assert later == []


def test_a_process_that_ends_fails_the_play() -> None:
    shown, text = screen()

    def breaks(stage: Stage) -> None:
        """A step"""
        raise ProcessError("operator-1 ended with exit code 1")

    assert not play(world(), screen=shown, took={}, steps=(breaks,))
    assert "Step 1 failed: operator-1 ended with exit code 1" in text.getvalue()


def test_waiting_ends_with_what_was_seen_last() -> None:
    stage = Stage(world=world(), operator=cast(Any, world().operator), screen=screen()[0])
    with pytest.raises(CheckFailedError) as caught:
        stage.becomes("ready", look=lambda: "not yet", expected="ready", seconds=0.0)
    assert (caught.value.expected, caught.value.seen) == ("ready", "not yet")


def test_a_pipe_gets_no_control_codes_and_no_folded_lines() -> None:
    shown, text = screen()
    shown.heading("Step")
    shown.output("x" * 300)
    shown.passed("[bold]as written[/bold]")
    shown.table("Title", ("A",), [("1",)])
    assert "\x1b" not in text.getvalue()
    assert "x" * 300 in text.getvalue()
    assert "ok  [bold]as written[/bold]" in text.getvalue()


def test_no_color_means_none_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = Screen().console
    assert console.color_system is None


def test_long_output_is_cut_and_counted() -> None:
    shown, text = screen()
    shown.output("\n".join(map(str, range(20))), lines=2)
    assert text.getvalue().split("\n")[:3] == ["   0", "   1", "   … 18 more lines"]


def test_every_step_has_a_heading() -> None:
    for step in STEPS:
        assert step.__doc__
        assert "\n" not in step.__doc__
