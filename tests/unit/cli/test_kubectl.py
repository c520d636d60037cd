"""Answers of kubectl that are not whole, or no text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aks_access.cli.hub.cluster import Resource
from aks_access.cli.hub.kubectl import Kubectl
from aks_access.errors import KubeError

Saying = Callable[[str], Kubectl]


@pytest.fixture
def saying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Saying:
    """kubectl, in whose place a script answers."""

    def made(script: str) -> Kubectl:
        place = tmp_path / "kubectl"
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return Kubectl()

    return made


EVENT = r"""printf '{"type": "ADDED", "object": {"kind": "a"}}\n{"type": "MODIF';"""


@pytest.mark.parametrize("end", ["exit 0", "echo 'error: unexpected EOF' >&2; exit 1"])
def test_a_watch_that_is_cut_within_an_event_ends_like_another(saying: Saying, end: str) -> None:
    states = saying(EVENT + end).watch(Resource.GRANTS, name="a", namespace="b", seconds=0.001)
    assert next(states) == {"kind": "a"}
    with pytest.raises(KubeError if "error" in end else StopIteration):
        next(states)


@pytest.mark.parametrize("name", [r"\377", '"'])
def test_a_list_that_is_no_json_text_is_refused(saying: Saying, name: str) -> None:
    answer = rf"""printf '{{"items": [{{"metadata": {{"name": "{name}"}}}}]}}'"""
    with pytest.raises(KubeError, match="the answer is not JSON"):
        saying(answer).all(Resource.TARGETS)
