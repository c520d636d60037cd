"""From an API server's answer to an exception."""

import json

import pytest

from aks_access.errors import KubeConflict, KubeError, KubeForbidden, KubeNotFound
from aks_access.kube.answers import error_of, items_of, without_managed_fields

# As kube-apiserver 1.36 answers them.
FAILED_TEST = {
    "kind": "Status",
    "message": "the server rejected our request due to an error in our request",
    "reason": "Invalid",
    "details": {},
    "code": 422,
}
BAD_CONTENT = {
    "kind": "Status",
    "message": 'IPRangeSet.aksaccess.dev "s1" is invalid: status.conditions: Invalid value',
    "reason": "Invalid",
    "details": {"name": "s1", "group": "aksaccess.dev", "kind": "IPRangeSet", "causes": []},
    "code": 422,
}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"message": "not found"}, KubeNotFound),
        (409, {"message": "object was modified"}, KubeConflict),
        (403, {"message": "forbidden"}, KubeForbidden),
        (422, FAILED_TEST, KubeConflict),
        (422, BAD_CONTENT, KubeError),
        (410, {"message": "expired"}, KubeError),
        (500, {"message": "etcdserver: request timed out"}, KubeError),
        (401, {"message": "Unauthorized"}, KubeError),
    ],
)
def test_the_exception(status: int, body: dict[str, object], expected: type[KubeError]) -> None:
    error = error_of(method="PATCH", path="/x", status=status, text=json.dumps(body).encode())
    assert type(error) is expected
    assert error.status == status


@pytest.mark.parametrize("text", [b"<html>502\nBad Gateway</html>", b"", b"\xff", b"[]", b"null"])
def test_an_answer_that_is_no_status_object(text: bytes) -> None:
    error = error_of(method="GET", path="/x", status=502, text=text)
    assert str(error).startswith("GET /x: 502")
    assert str(error).isprintable()


def test_a_message_is_one_printable_line_of_bounded_length() -> None:
    body = json.dumps({"message": "a\nb\x1b[31m" + "x" * 5000}).encode()
    message = str(error_of(method="GET", path="/x", status=500, text=body))
    assert message.isprintable()
    assert len(message) < 1100


def test_managed_fields_are_dropped_and_the_rest_is_kept() -> None:
    metadata = {"name": "a", "managedFields": [1]}
    raw = {"metadata": metadata, "spec": {"x": 1}}
    assert without_managed_fields(raw) == {"metadata": {"name": "a"}, "spec": {"x": 1}}
    assert "managedFields" in metadata


def test_an_empty_list_of_metadata_has_null_for_its_items() -> None:
    assert items_of({"kind": "PartialObjectMetadataList", "items": None}) == []


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"kind": "Status", "items": []},
        {"kind": "PodList"},
        {"kind": "PodList", "items": None},
        {"kind": "PartialObjectMetadataList"},
    ],
)
def test_what_is_no_list_is_refused(page: dict[str, object]) -> None:
    with pytest.raises(KubeError, match="expected a list"):
        items_of(page)
