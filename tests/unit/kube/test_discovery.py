"""What is told when the CRDs are missing, or not those of this version."""

from collections.abc import Mapping

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


def serving(*names: str) -> Server:
    return Server({"resources": [{"name": name} for name in names]})


async def test_everything_is_served() -> None:
    assert await Discovery(connection=serving(*ALL)).missing_kinds() == []


@pytest.mark.parametrize("name", ALL)
async def test_one_is_missing(name: str) -> None:
    server = serving(*(each for each in ALL if each != name))
    assert await Discovery(connection=server).missing_kinds() == [
        f"the API server does not serve {name} in aksaccess.dev/v1alpha1: "
        "install or update the CRDs"
    ]


async def test_no_crd_is_installed() -> None:
    (sentence,) = await Discovery(connection=Server(KubeNotFound("404"))).missing_kinds()
    assert "does not serve aksaccess.dev/v1alpha1: install the CRDs" in sentence


async def test_an_api_server_that_cannot_be_asked_is_no_missing_crd() -> None:
    discovery = Discovery(connection=Server(KubeError("503", status=503)))
    with pytest.raises(KubeError, match="503"):
        await discovery.missing_kinds()
    with pytest.raises(KubeError, match="503"):
        await discovery.missing_rights(namespace="n")


async def test_a_review_without_a_status_is_no_yes() -> None:
    with pytest.raises(KubeError, match="no status"):
        await Discovery(connection=Server({})).missing_rights(namespace="n")
