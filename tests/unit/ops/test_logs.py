"""The process's logs: one line per record, UTC, structured, nothing secret."""

import io
import json
import logging
import re
import threading
import warnings
from datetime import UTC, datetime

import pytest

from aks_access.ops import logs
from aks_access.settings.monitoring import LogFormat, LogLevel

pytestmark = pytest.mark.usefixtures("logging_restored")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def configured(*, level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.JSON) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(level=level, form=form, stream=stream)
    return stream


def only_line(stream: io.StringIO) -> str:
    (line,) = stream.getvalue().split("\n")[:-1]
    return line


def test_a_json_line_has_time_level_logger_message_and_fields():
    stream = configured()
    logging.getLogger("aks_access.x").info("read %s", "c1", extra={"target": "prod", "n": 2})
    record = json.loads(only_line(stream))
    assert list(record)[:4] == ["time", "level", "logger", "message"]
    assert record | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "aks_access.x",
        "message": "read c1",
        "target": "prod",
        "n": 2,
    }
    assert TIME.fullmatch(record["time"])
    written = datetime.fromisoformat(record["time"])
    assert abs((datetime.now(UTC) - written).total_seconds()) < 60


def test_a_text_line_reads_well():
    stream = configured(form=LogFormat.TEXT)
    logging.getLogger("aks_access.x").warning(
        "slow", extra={"target": "prod", "why": "a b", "ranges": ["a", "b"], "none": ()}
    )
    time, _, rest = only_line(stream).partition(" ")
    assert TIME.fullmatch(time)
    assert rest == 'WARNING aks_access.x: slow target=prod why="a b" ranges=a,b none=-'


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_record_is_one_line_whatever_it_holds(form):
    stream = configured(form=form)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("x").exception("a\nb\x1b[31m\u2028", extra={"reason": "c\r\nd"})
    line = only_line(stream)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert "Traceback" in line
    assert "ValueError: first" in line


@pytest.mark.parametrize("form", list(LogFormat))
def test_secrets_go_from_message_fields_and_tracebacks(form):
    stream = configured(form=form)
    signed = "https://h/operations/1?api-version=1&s=SIGNATURE1"
    try:
        raise ValueError(signed)
    except ValueError:
        logging.getLogger("x").exception(
            "Bearer %s", "abcdefghSIGNATURE2", extra={"url": "https://h/?sig=SIGNATURE3"}
        )
    line = only_line(stream)
    assert "SIGNATURE" not in line
    assert line.count("REDACTED") == 3
    if form is LogFormat.JSON:
        assert json.loads(line)["url"] == "https://h/?sig=REDACTED"


def test_the_level_holds():
    stream = configured(level=LogLevel.ERROR)
    logging.getLogger("aks_access.x").warning("no")
    logging.getLogger("aks_access.x").error("yes")
    assert json.loads(only_line(stream))["message"] == "yes"


def test_loud_libraries_are_turned_down_even_while_debugging():
    stream = configured(level=LogLevel.DEBUG)
    logging.getLogger("azure.core.pipeline.policies.http_logging_policy").info("headers")
    logging.getLogger("kubernetes.aio.client.rest").debug("response body: a Secret")
    logging.getLogger("kopf.objects").info("Handler 'x' succeeded.")
    logging.getLogger("aiohttp.access").info("GET /livez")
    assert stream.getvalue() == ""
    logging.getLogger("azure.identity").warning("no token")
    assert json.loads(only_line(stream))["logger"] == "azure.identity"


def test_warnings_are_log_records():
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old spelling", DeprecationWarning, stacklevel=1)
    record = json.loads(only_line(stream))
    assert record["logger"] == "py.warnings"
    assert "old spelling" in record["message"]


def test_a_thread_that_dies_leaves_a_record():
    stream = configured()

    def fail() -> None:
        raise RuntimeError("out of luck")

    thread = threading.Thread(target=fail, name="informer")
    thread.start()
    thread.join()
    record = json.loads(only_line(stream))
    assert record["level"] == "CRITICAL"
    assert "informer" in record["message"]
    assert "out of luck" in record["exception"]


def test_a_field_cannot_forge_another_in_text():
    stream = configured(form=LogFormat.TEXT)
    logging.getLogger("x").info("m", extra={"reason": 'x" action="Revoked'})
    assert only_line(stream).endswith(r' m reason="x\" action=\"Revoked"')


def test_configuring_twice_does_not_double_the_lines():
    configured()
    stream = configured()
    logging.getLogger("x").info("once")
    assert json.loads(only_line(stream))["message"] == "once"
