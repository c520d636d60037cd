"""What others wrote, in a log line: one line, harmless to a terminal, of a bounded length."""

import io
import json
import logging

import pytest

from aks_access.ops import logs
from aks_access.settings.monitoring import LogFormat, LogLevel

pytestmark = pytest.mark.usefixtures("logging_restored")

EVIL = 'a\n{"level":"INFO"}\r\x1b[31m\u202eb\u2028\x00\u200f\ud800\x85'
MEGABYTE = "x" * 1_000_000
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"  # header, payload, signature
SIGNED = (
    "https://management.azure.com/subscriptions/s/operations/o?api-version=2025-03-01"
    "&t=638&c=SECRETC&s=SECRETS&h=SECRETH"
)
FORMS = pytest.mark.parametrize("form", list(LogFormat))


def begun(form: LogFormat) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(level=LogLevel.DEBUG, form=form, stream=stream)
    return stream


def raised(message: str) -> None:
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("aks_access.x").exception("it failed")


@FORMS
def test_security_nothing_breaks_out_of_its_line(form: LogFormat) -> None:
    stream = begun(form)
    log = logging.getLogger("aks_access.x")
    log.info("target %s", EVIL)
    log.info("plain", extra={"target": EVIL, "ranges": [EVIL, EVIL], "odd": {EVIL: object()}})
    raised(EVIL)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4
    for line in lines[:-1]:
        assert line.isprintable(), line
        line.encode()
        if form is LogFormat.JSON:
            assert json.loads(line)["level"] in ("INFO", "ERROR")


@FORMS
def test_security_a_line_is_bounded(form: LogFormat) -> None:
    stream = begun(form)
    log = logging.getLogger("aks_access.x")
    log.info("target %s", MEGABYTE)
    log.info("plain", extra={"target": MEGABYTE, "ranges": [MEGABYTE] * 3})
    log.info("plain", extra={"ranges": ["20.1.1.1/32"] * 100_000, "deep": {"a": MEGABYTE}})
    raised(MEGABYTE)
    lines = stream.getvalue().split("\n")[:-1]
    assert [len(line) < 70_000 for line in lines] == [True] * 4
    assert "characters more" in lines[0]
    assert "(97500 more)" in lines[2]


@FORMS
def test_the_whole_list_of_a_cluster_stands_in_an_audit_line(form: LogFormat) -> None:
    stream = begun(form)
    ranges = [f"20.{n >> 8}.{n & 255}.0/24" for n in range(2000)]
    logging.getLogger(logs.AUDIT_LOGGER).info("Granted", extra={"after": ranges})
    assert all(each in stream.getvalue() for each in ranges)


@FORMS
@pytest.mark.parametrize(
    "name",
    [
        "azure.core.pipeline.policies.http_logging_policy",
        "azure.identity",
        "msal.token_cache",
        "kubernetes.aio.client.rest",
        "kopf._cogs.clients.api",
        "aiohttp.client",
        "aiohttp.access",
        "urllib3.connectionpool",
        "asyncio",
        "aks_access.kube.connection",
    ],
)
def test_security_no_logger_tells_a_secret_at_debug_level(form: LogFormat, name: str) -> None:
    """Whatever a library says, and how: in the text, an argument, a field or an error."""
    stream = begun(form)
    log = logging.getLogger(name)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "Authorization: Bearer %s", TOKEN)
        log.log(level, "polling %s", SIGNED, extra={"url": SIGNED, "headers": {"Location": SIGNED}})
        log.log(level, "body %s", json.dumps({"access_token": "SECRETA", "token": TOKEN}))
        log.log(level, "client_secret=SECRETA&client_assertion=%s", TOKEN)
        try:
            raise RuntimeError(f"{SIGNED} with Bearer {TOKEN}")
        except RuntimeError:
            log.log(level, "failed", exc_info=True)
    said = stream.getvalue()
    assert "ERROR" in said
    for secret in ("SECRET", TOKEN, TOKEN.split(".")[1]):
        assert secret not in said
