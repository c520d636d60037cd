"""The proof that a grant works: the API server answers from here, or something else does."""

import pytest

from aks_access.errors import NameUnknown, NoAnswer
from tests.unit.cli.desk import TARGET, condition, execute_at, manifest, text
from tests.unit.cli.guarded import ACTIVE, GRANT, HOST, desk, later


def test_the_proof_waits_for_azure_to_enforce_the_list() -> None:
    place = desk(to_come=(ACTIVE,))
    place.after = 100.0
    code, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, out) == (
        0,
        "apiaccessgrant/dev-laptop  applied, until 14:00Z · in Azure after 36 s · API server "
        "answered after 102 s\n",
    )
    assert err.count(f"two minutes. {HOST}: no answer in time.\n") == 1


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("1m", "not yet, AKS takes up to two minutes"),
        ("10m", "blocked. You leave by another address than 81.2.69.142"),
    ],
)
def test_no_answer_is_no_access(limit: str, said: str) -> None:
    place = desk(to_come=(ACTIVE,))
    place.after = 10_000.0
    code, out, err = execute_at(f"{GRANT} --wait --timeout {limit}", desk=place)
    assert (code, out.count("in Azure after 36 s\n")) == (1, 1)
    assert f"{HOST} does not answer from here (no answer in time)" in err
    assert said in err
    assert place.hub.clock() < 240
    assert execute_at(f"{GRANT} --wait --no-probe", desk=place)[0] == 0


def test_a_name_without_an_address_is_nothing_that_a_list_blocks() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = NameUnknown("Name or service not known")
    code, _, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, "blocked" in err, "not yet" in err) == (1, False, False)
    assert "its name has no address here, which no list mends. See your DNS" in err


def test_a_page_of_something_in_between_is_no_answer() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = text("<html>", kind="text/html", proxy="proxy:3128")
    code, _, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, "the proxy proxy:3128 answered in its place (HTTP 200)" in err) == (1, True)


@pytest.mark.parametrize(("after", "code"), [(0.0, 0), (10_000.0, 1)])
def test_where_nothing_is_written_the_answer_decides(after: float, code: int) -> None:
    observed = later(condition("Ready", True, "Observed", "Nothing is written."))
    place = desk(to_come=(observed,))
    place.after = after
    ended, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (ended, "in Azure" in out, "Nothing is written." in err) == (code, False, True)
    assert ("API server answered" in out) is (code == 0)
    assert sum(url.endswith("readyz") for url in place.asked) == 1


def test_all_servers_of_a_grant_by_labels_must_answer() -> None:
    labels = {"a": "b"}
    weu = {**TARGET, "metadata": {"name": "prod-weu", "labels": labels}}
    neu = {**TARGET, "metadata": {"name": "prod-neu", "labels": labels}}
    neu["status"] = {"cluster": {"fqdn": "neu"}}
    there = manifest(targetRef=None, targetSelector={"matchLabels": labels})
    there["status"] = {
        "targets": [{"name": each, "reason": "Active"} for each in ("prod-weu", "prod-neu")]
    }
    place = desk(weu, neu, there, to_come=(ACTIVE,))
    place.pages["https://neu/readyz"] = NoAnswer("reset")
    command = "aks-access extend dev-laptop --for 9h --wait"
    code, _, err = execute_at(command, desk=place)
    assert (code, "neu does not answer from here (reset)" in err) == (1, True)
    assert f"{HOST} does not" not in err
    place.pages["https://neu/readyz"] = text("", kind="application/json", status=403)
    code, out, _ = execute_at(command, desk=place)
    assert (code, "2 API servers answered after" in out) == (0, True)
