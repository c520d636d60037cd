"""From the API server's refusals to the exceptions of this project, and small reads of raw JSON.

One function decides which exception a status becomes, so that no caller looks at numbers.
"""

import json
from collections.abc import Mapping
from typing import Final

from aks_access.errors import KubeConflict, KubeError, KubeForbidden, KubeNotFound

_MESSAGE_LIMIT: Final = 1000
_METADATA_LIST: Final = "PartialObjectMetadataList"


def error_of(*, method: str, path: str, status: int, text: bytes) -> KubeError:
    """The exception for an answer that is no success; its message is the server's own.

    422 is a conflict where the API server says that a JSON patch did not apply (a `test` failed,
    or its path is gone), and a plain `KubeError` where it refuses the object's content.
    """
    answer = _status_object(text)
    message = f"{method} {path}: {status} {_words(answer, text)}"
    if status == 404:
        return KubeNotFound(message, status=status)
    if status == 422 and _patch_did_not_apply(answer):
        return KubeConflict(
            f"{method} {path}: the object changed, or is another one by now", status=status
        )
    if status == 409:
        return KubeConflict(message, status=status)
    if status == 403:
        return KubeForbidden(message, status=status)
    return KubeError(message, status=status)


def metadata(raw: Mapping[str, object]) -> Mapping[str, object]:
    """The object's `metadata`, empty where it is missing or no object."""
    found = raw.get("metadata")
    return found if isinstance(found, Mapping) else {}


def meta_text(raw: Mapping[str, object], key: str) -> str:
    """A text of the object's `metadata`, "" where it is missing."""
    found = metadata(raw).get(key)
    return found if isinstance(found, str) else ""


def meta_texts(raw: Mapping[str, object], key: str) -> Mapping[str, str]:
    """The labels or annotations of the object."""
    found = metadata(raw).get(key)
    if not isinstance(found, Mapping):
        return {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}


def finalizers(raw: Mapping[str, object]) -> list[str]:
    """The object's finalizers, in their order."""
    found = metadata(raw).get("finalizers")
    return [f for f in found if isinstance(f, str)] if isinstance(found, list) else []


def items_of(answer: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The objects of a list's page. Raises `KubeError` where it is no list.

    Only an empty PartialObjectMetadataList has `items: null`; anywhere else a list without items
    is no answer to build on.
    """
    kind, found = str(answer.get("kind", "")), answer.get("items", ...)
    if found is None and kind == _METADATA_LIST:
        return []
    if not isinstance(found, list) or not kind.endswith("List"):
        raise KubeError(f"expected a list of objects, got kind {kind!r} without usable items")
    return found


def without_managed_fields(raw: Mapping[str, object]) -> Mapping[str, object]:
    """The object without `metadata.managedFields`: half its bytes, and nobody here reads them."""
    if "managedFields" not in metadata(raw):
        return raw
    kept = {key: value for key, value in metadata(raw).items() if key != "managedFields"}
    return {**raw, "metadata": kept}


def _status_object(text: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(answer: Mapping[str, object], text: bytes) -> str:
    told = [str(answer.get("message") or "")]
    told += [cause for cause in _causes(answer) if cause not in told[0]]
    words = "; ".join(filter(None, told)) or text.decode(errors="replace")
    printable = "".join(c if c.isprintable() else " " for c in words)
    return printable[:_MESSAGE_LIMIT]


def _causes(answer: Mapping[str, object]) -> list[str]:
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    if not isinstance(causes, list):
        return []
    return [str(c.get("message", "")) for c in causes if isinstance(c, Mapping)]


def _patch_did_not_apply(answer: Mapping[str, object]) -> bool:
    """Refused content names the object's kind in `details`; a patch that failed does not."""
    details = answer.get("details")
    return not (isinstance(details, Mapping) and details.get("kind"))
