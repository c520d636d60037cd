"""The proof that a grant works: the API server answers from here, or something else does."""

from dataclasses import dataclass, field

import pytest

from aks_access.cli.internet.web import Answer, Question
from aks_access.errors import NameUnknown, NameUnresolved, NoAnswer
from tests.unit.cli.desk import TARGET, Desk, condition, execute_at, manifest, text
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


def test_a_name_that_does_not_exist_is_not_waited_for() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = NameUnknown("Name or service not known")
    code, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, out.count("in Azure after 36 s\n")) == (3, 1)
    assert place.asked.count(f"https://{HOST}/readyz") == 2
    assert place.hub.clock() == 38.5
    assert ("two minutes" in err, "blocked" in err) == (False, False)
    assert err.endswith(
        f"aks-access: It is in Azure, but {HOST} does not answer from here (Name or service not "
        "known): the name has no address in your DNS, and no list brings one. A private cluster's "
        "is in a private DNS zone: use a network that the zone is linked to, or go by the proxy "
        "that you reach it by: HTTPS_PROXY.\n"
    )


@dataclass(slots=True)
class Faltering(Desk):
    """A desk whose first questions to an API server fail."""

    failures: list[NoAnswer] = field(default_factory=list)

    def _web(self, question: Question) -> Answer:
        if question.url.endswith("readyz") and self.failures:
            raise self.failures.pop(0)
        return super(Faltering, self)._web(question)


def test_only_a_name_that_is_missed_twice_in_a_row_is_given_up() -> None:
    place = Faltering(hub=desk(to_come=(ACTIVE,)).hub)
    place.failures = [NameUnknown("none"), NameUnresolved("try again"), NameUnknown("none")]
    code, out, _ = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, "API server answered after 44 s" in out) == (0, True), out


def test_a_resolver_that_is_silent_is_waited_for_and_named() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = NameUnresolved("Temporary failure in name resolution")
    code, _, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, place.hub.clock() > 200) == (1, True)
    assert "your DNS does not tell its address. Mend that first." in err


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
