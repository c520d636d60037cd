"""What never reaches a log line."""

import pytest

from aks_access.ops.redact import one_line, redact

OPERATION = (
    "https://management.azure.com/subscriptions/s/providers/Microsoft.ContainerService/locations/"
    "westeurope/operations/0001?api-version=2025-10-01&t=638&c=MIIHhzCC&s=pS-2_Q&h=abcDEF"
)


def test_an_operations_signature_goes_and_its_path_stays():
    shown = redact(f"poll {OPERATION} again")
    assert "operations/0001?api-version=2025-10-01&t=REDACTED&c=REDACTED" in shown
    assert shown.endswith("&h=REDACTED again")
    for part in ("638", "MIIHhzCC", "pS-2_Q", "abcDEF"):
        assert part not in shown


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://a.blob.core.windows.net/b?sv=2024&sig=c2VjcmV0", "c2VjcmV0"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ('{"authorization": "bearer ABCDEFGHIJ"}', "ABCDEFGHIJ"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl", "eyJpc3MiOiJ4In0"),
        ("grant_type=x&client_secret=hunter22&scope=y", "hunter22"),
        ('{"access_token": "opaque-value-1"}', "opaque-value-1"),
        (r"{\"access_token\": \"opaque-value-1\"}", "opaque-value-1"),
        ("client_assertion='abcdefgh'", "abcdefgh"),
    ],
)
def test_secrets_go(text, secret):
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "20.50.0.0/24 is wider than /28, the limit of prod-weu. Narrow it?",
        "GET /api/v1/namespaces?limit=500&resourceVersion=12&watch=true",
        "The basic rule: a bearer of a grant needs a reason.",
        "ticket=INC-77 until=2026-11-22T18:00:00Z",
    ],
)
def test_plain_words_stay(text):
    assert redact(text) == text


def test_redacting_twice_changes_nothing_more():
    once = redact(f"{OPERATION} Bearer abcdefghijkl")
    assert redact(once) == once


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x00", "\u2028", "\u202e", "\x85"])
def test_control_characters_are_escaped(character):
    shown = one_line(f"a{character}b")
    assert character not in shown
    assert shown.isprintable()
    assert len(shown.splitlines()) == 1


def test_letters_of_any_script_stay():
    assert one_line("Zoë 東京 20.50.0.0/24") == "Zoë 東京 20.50.0.0/24"
