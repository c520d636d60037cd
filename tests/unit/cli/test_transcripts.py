"""Every command says what its transcript in tests/golden/cli says, to the letter."""

from pathlib import Path

import pytest

from aks_access.__main__ import COMMANDS
from tests.unit.cli.transcript import GOLDEN, files, place_of, played

TRANSCRIPTS = sorted(GOLDEN.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_command_says_what_its_transcript_says(path: Path) -> None:
    written = path.read_text()
    with files():
        assert played(written, place=place_of(path)) == written, (
            "run: python -m tests.unit.cli.transcript"
        )


def test_every_offline_command_has_a_transcript() -> None:
    assert {path.stem for path in TRANSCRIPTS} == {*COMMANDS} - {"run", "ledger"} | {"usage"}
