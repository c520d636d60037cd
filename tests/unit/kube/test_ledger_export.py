"""The file in which ledgers move: what goes in comes out, and nothing else is believed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aks_access.errors import LedgerUnreadable
from aks_access.kube.ledger_export import Export, parse, render
from aks_access.plan.ledger import Ledger
from tests.unit.kube.test_ledger_document import ledgers, minimal

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TIMES = {"uid:team-a/u1": NOON, "name:team-a/laptop": NOON}


@given(ledger=ledgers, times=st.dictionaries(st.text(max_size=9), st.just(NOON), max_size=3))
def test_round_trip(ledger: Ledger, times: dict[str, datetime]) -> None:
    found = parse(render(Export(ledgers=[ledger], activations=times), exported=NOON))
    assert list(found.ledgers) == [replace(ledger, version="")]
    assert found.activations == times


def test_every_cut_of_a_file_is_refused() -> None:
    text = render(Export(ledgers=[minimal()], activations=TIMES), exported=NOON)
    whole = yaml.safe_load(text)
    for end in range(0, len(text), 7):
        if not text[end:].strip():
            continue
        try:
            same = yaml.safe_load(text[:end]) == whole
        except yaml.YAMLError:
            same = False
        if not same:
            with pytest.raises(LedgerUnreadable):
                parse(text[:end])
