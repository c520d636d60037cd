"""The safety page numbers what the tests hold: every invariant and threat has tests of its name."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "safety.md").read_text()
NAMES = Counter(
    re.sub(r"test_(i\d+|threat_\d\d)_.*", r"\1", name)
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_(?:i\d+|threat_\d\d)_\w+)", path.read_text())
)


def test_the_page_has_every_invariant_and_threat() -> None:
    assert re.findall(r"^\| (I\d+) \|", PAGE, re.MULTILINE) == [f"I{n}" for n in range(1, 14)]
    assert re.findall(r"^\| (\d\d) \|", PAGE, re.MULTILINE) == [f"{n:02}" for n in range(1, 21)]


@pytest.mark.parametrize("number", range(1, 14))
def test_every_invariant_has_tests_that_name_it(number: int) -> None:
    assert NAMES[f"i{number}"] > 0


@pytest.mark.parametrize("number", range(1, 21))
def test_every_threat_has_a_test_that_names_it(number: int) -> None:
    assert NAMES[f"threat_{number:02}"] > 0
