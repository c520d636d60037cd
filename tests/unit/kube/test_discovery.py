"""What is told when the CRDs are missing, or not those of this version."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from aks_access.errors import KubeError, KubeNotFound
from aks_access.kube.discovery import Discovery

ALL = [
    f"{plural}{sub}"
    for plural in ("apiaccessgrants", "apiaccesstargets", "iprangesets")
    for sub in ("", "/status")
]


class Server:
    def __init__(self, answer: Mapping[str, object] | KubeError) -> None:
        self.answer = answer

    async def get(self, path: str) -> Mapping[str, object]:
        assert path == "/apis/aksaccess.dev/v1alpha1"
        if isinstance(self.answer, KubeError):
            raise self.answer
        return self.answer

    async def post(self, path: str, *, body: Mapping[str, object]) -> Mapping[str, object]:
        if isinstance(self.answer, KubeError):
            raise self.answer
        return self.answer


def discovery(server: Server) -> Discovery:
    return Discovery(connection=server, lease="lease")


def serving(*names: str) -> Server:
    return Server({"resources": [{"name": name} for name in names]})


async def test_everything_is_served() -> None:
    assert await discovery(serving(*ALL)).missing_kinds() == []


@pytest.mark.parametrize("name", ALL)
async def test_one_is_missing(name: str) -> None:
    server = serving(*(each for each in ALL if each != name))
    assert await discovery(server).missing_kinds() == [
        f"the API server does not serve {name} in aksaccess.dev/v1alpha1: "
        "install or update the CRDs"
    ]


async def test_no_crd_is_installed() -> None:
    (sentence,) = await discovery(Server(KubeNotFound("404"))).missing_kinds()
    assert "does not serve aksaccess.dev/v1alpha1: install the CRDs" in sentence


async def test_an_api_server_that_cannot_be_asked_is_no_missing_crd() -> None:
    asked = discovery(Server(KubeError("503", status=503)))
    with pytest.raises(KubeError, match="503"):
        await asked.missing_kinds()
    with pytest.raises(KubeError, match="503"):
        await asked.missing_rights(namespace="n")


async def test_a_review_without_a_status_is_no_yes() -> None:
    with pytest.raises(KubeError, match="no status"):
        await discovery(Server({})).missing_rights(namespace="n")


async def test_a_right_is_asked_for_by_all_that_it_is() -> None:
    class Asked(Server):
        attributes: ClassVar[list[Any]] = []

        async def post(self, path: str, *, body: Mapping[str, Any]) -> Mapping[str, object]:
            self.attributes.append(body["spec"]["resourceAttributes"])
            return {"status": {"allowed": False}}

    missing = await discovery(Asked({})).missing_rights(namespace="own")
    assert len(missing) == len(set(missing)) == len(Asked.attributes)
    assert {
        "group": "coordination.k8s.io",
        "resource": "leases",
        "subresource": "",
        "verb": "update",
        "namespace": "own",
        "name": "lease",
    } in Asked.attributes
    assert (
        "the operator may not update leases.coordination.k8s.io lease in namespace own: add it to "
        "its ClusterRole or Role (the Helm chart's are complete)"
    ) in missing
