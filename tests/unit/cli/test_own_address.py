"""The own address: who must agree, what is no address, and what is said about it."""

import threading
from collections.abc import Iterator

import pytest

from aks_access.cli.internet.own_address import SERVICES, VARIABLE
from aks_access.cli.internet.web import Answer, Question
from aks_access.errors import NoAnswer
from tests.unit.cli.desk import ADDRESS, Desk, agreeing, execute_at, text

COMMAND = "aks-access grant prod-weu --my-ip --for 4h --reason x -o yaml"
FIRST, SECOND, THIRD = SERVICES
PAGE = "<!DOCTYPE html><html><title>Welcome to the hotel</title>"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, "ACC_CLOUD", "AZUREPS_HOST_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)


def asked(command: str = COMMAND, **pages: Answer | NoAnswer) -> tuple[int, str, str]:
    desk = Desk(pages={**agreeing(), **{SERVICES[int(key[1])]: it for key, it in pages.items()}})
    return execute_at(command, desk=desk)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (text("10.1.2.3"), "10.1.2.3, which is no public address (private, RFC 1918)"),
        (text("100.64.0.9"), "no public address (shared by carrier-grade NAT, RFC 6598)"),
        (text("198.51.100.7"), "no public address (documentation (TEST-NET-2), RFC 5737)"),
        (text("0.0.0.0"), "no public address (this network, RFC 791)"),
        (text("2001:db8::7"), "it answered the IPv6 address 2001:db8::7, and AKS takes IPv4 only"),
        (text("81.2.69.0/24"), "it answered 81.2.69.0/24, which is no address"),
        (text("999.1.1.1"), "it answered 999.1.1.1, which is no IPv4 address"),
        (text(""), "it answered '', which is no IPv4 address"),
        (text("\x1b[31m1"), r"it answered '\x1b[31m1', which is no IPv4 address"),
        (text(PAGE, kind="text/html"), "a web page answered"),
        (text(PAGE), "a web page answered"),
        (text("1" * 65), "which is no address"),
        (text("", status=302), "it answered HTTP 302, and no address"),
        (text(ADDRESS, status=502), "it answered HTTP 502, and no address"),
        (NoAnswer("Name or service not known"), "Name or service not known"),
    ],
)
def test_an_answer_that_is_no_address_is_named_and_not_counted(
    answer: Answer | NoAnswer, why: str
) -> None:
    code, out, err = asked(_1=answer)
    assert (code, f"- {ADDRESS}\n" in out) == (0, True)
    assert err.startswith(f"your IPv4, seen by 2 services: {ADDRESS}\nwarning: {SECOND[8:]}: ")
    assert why in err
    code, out, err = asked(_1=answer, _0=NoAnswer("reset"))
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert why in err
    assert "--ip CIDR" in err


def test_a_service_that_differs_is_a_warning_that_names_what_to_do() -> None:
    code, out, err = asked(_2=text("20.50.1.7"))
    assert (code, "20.50.1.7" in out) == (0, False)
    assert err.splitlines()[1].startswith(f"warning: {THIRD[8:]} sees 20.50.1.7: you leave by more")
    assert "--ip" in err


@pytest.mark.parametrize("last", [text("20.50.1.8"), NoAnswer("reset")])
def test_where_no_two_agree_all_answers_are_shown(last: Answer | NoAnswer) -> None:
    code, out, err = asked(_1=text("20.50.1.7"), _2=last)
    assert (code, out, err.count("\n")) == (1, "", 1)
    for part in (f"{FIRST[8:]} sees {ADDRESS}", f"{SECOND[8:]} sees 20.50.1.7", "--ip CIDR"):
        assert part in err


def test_two_against_two_is_no_agreement() -> None:
    urls = [f"https://{name}.example" for name in "abcd"]
    desk = Desk(pages={url: text(f"20.50.1.{n // 2}") for n, url in enumerate(urls)})
    services = "".join(f" --address-service {url}" for url in urls)
    code, _, err = execute_at(f"{COMMAND}{services}", desk=desk)
    assert (code, "more than one address" in err) == (1, True)


def test_services_come_from_the_variable_and_the_flag_goes_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "https://a.example, https://b.example")
    pages = {f"https://{name}.example": text(ADDRESS) for name in "abcd"}
    desk = Desk(pages=dict(pages))
    assert execute_at(COMMAND, desk=desk)[0] == 0
    assert sorted(desk.asked) == ["https://a.example", "https://b.example"]
    desk = Desk(pages=dict(pages))
    own = " --address-service https://c.example --address-service https://d.example"
    assert execute_at(COMMAND + own, desk=desk)[0] == 0
    assert sorted(desk.asked) == ["https://c.example", "https://d.example"]


@pytest.mark.parametrize("url", ["http://a.example", "https://", "https://me:pw@a.example", "a"])
def test_a_service_is_https(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(VARIABLE, f"https://b.example,{url}")
    code, out, err = execute_at(COMMAND, desk=Desk())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is no address of a service" in err


def test_nobody_is_asked_without_the_flag() -> None:
    desk = Desk()
    execute_at(COMMAND.replace("--my-ip", "--ip 20.50.1.7"), desk=desk)
    assert desk.asked == []


def test_addresses_that_are_named_come_beside_the_own_one() -> None:
    _, out, _ = asked(f"{COMMAND} --ip 20.50.1.7 --ip {ADDRESS}")
    assert f"ipRanges:\n    - 20.50.1.7\n    - {ADDRESS}\n  expiresAt" in out


def test_a_proxy_is_named() -> None:
    by = text(ADDRESS, proxy="proxy.contoso.com:3128")
    assert (
        "seen by 3 services through the proxy proxy.contoso.com:3128: "
        in asked(_0=by, _1=by, _2=by)[2]
    )


@pytest.mark.parametrize("variable", ["ACC_CLOUD", "AZUREPS_HOST_ENVIRONMENT"])
def test_cloud_shell_is_warned_of(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert "Cloud Shell" not in asked()[2]
    monkeypatch.setenv(variable, "PROD")
    assert "Cloud Shell is shared with others" in asked()[2]


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_service_that_hangs_is_not_waited_for(
    hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aks_access.cli.internet.own_address._GRACE", 0.01)

    class Slow(Desk):
        def _web(self, question: Question) -> Answer:
            if question.url == SECOND:
                hanging.wait()
            return text(ADDRESS)

    code, _, err = execute_at(COMMAND, desk=Slow())
    assert code == 0
    assert f"warning: {SECOND[8:]}: no answer in time." in err
