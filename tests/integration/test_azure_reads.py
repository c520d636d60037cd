"""Lists of Azure, page by page: what a list that misleads makes of a command, and of its token."""

from collections.abc import AsyncIterator

import pytest

from aks_access.azure.reads import ArmReads, open_reads
from aks_access.errors import AzureError, AzureFault
from aks_access.settings.azure import AzureCredential
from aks_access.settings.table import Settings
from sandbox.arm.app import ArmEmulator
from sandbox.arm.journal import Area

pytestmark = pytest.mark.integration

SUBSCRIPTION = "/subscriptions/22222222-2222-2222-2222-222222222222"
CLUSTERS = f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
NAMES = ("one", "two", "three")
IDS = [
    f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}"
    for name in NAMES
]


@pytest.fixture
async def arm() -> AsyncIterator[ArmEmulator]:
    async with ArmEmulator() as made:
        for each in IDS:
            made.control.create_cluster(each)
        yield made


@pytest.fixture
async def reads(arm: ArmEmulator) -> AsyncIterator[ArmReads]:
    settings = Settings.load(
        given={
            "azure-endpoint": arm.url,
            "azure-authority": arm.url,
            "azure-scope": "https://management.azure.com/.default",
            "azure-ca-file": str(arm.ca_file),
            "azure-instance-discovery": "false",
            "azure-credential": AzureCredential.CLIENT_SECRET.value,
        },
        environment={},
    )
    variables = {
        "AZURE_CLIENT_ID": "person",
        "AZURE_TENANT_ID": "11111111-1111-1111-1111-111111111111",
        "AZURE_CLIENT_SECRET": "s3cret",
    }
    async with open_reads(settings=settings, environment=variables) as made:
        yield made


def answer(arm: ArmEmulator, *, next_link: object, skip: int = 0, count: int | None = None) -> None:
    """A page of the list says that it goes on there."""
    body = {"value": [{"id": IDS[0]}], "nextLink": next_link}
    arm.control.add_fault(
        method="GET", path=CLUSTERS, skip=skip, count=count, status=200, body=body
    )


def asked(arm: ArmEmulator) -> int:
    return sum(
        entry.area is Area.ARM and entry.path.lower() == CLUSTERS.lower()
        for entry in arm.control.journal()
    )


async def refused(reads: ArmReads) -> str:
    """Why a list is not read to its end."""
    with pytest.raises(AzureError) as caught:
        await reads.clusters(SUBSCRIPTION)
    assert caught.value.fault is AzureFault.REFUSED
    return caught.value.message


async def test_every_page_is_read(arm: ArmEmulator, reads: ArmReads) -> None:
    arm.world.options.page_size = 1
    found = await reads.clusters(SUBSCRIPTION)
    assert [each.rpartition("/")[2] for each in found] == ["one", "three", "two"]
    assert asked(arm) == 3


@pytest.mark.timeout(20)
async def test_a_list_that_goes_round_is_given_up(arm: ArmEmulator, reads: ArmReads) -> None:
    arm.world.options.page_size = 1
    link = f"{arm.url}{CLUSTERS}?api-version=2025-10-01&$skiptoken=1"
    answer(arm, next_link=link, skip=1)
    said = await refused(reads)
    assert said == f"Azure's list goes on at {arm.url}{CLUSTERS} again, which was read already."
    assert asked(arm) == 2


@pytest.mark.timeout(20)
async def test_a_list_that_leads_to_its_beginning_is_given_up(
    arm: ArmEmulator, reads: ArmReads
) -> None:
    version = reads.options.api_version
    answer(arm, next_link=f"{arm.url}{CLUSTERS}?api-version={version}")
    assert "again, which was read already" in await refused(reads)
    assert asked(arm) == 1


async def test_no_token_follows_a_link_to_another_host(arm: ArmEmulator, reads: ArmReads) -> None:
    async with ArmEmulator() as other:
        answer(arm, next_link=f"{other.url}{CLUSTERS}?signature=secret")
        said = await refused(reads)
        assert said == (
            f"Azure's list goes on at {other.url}{CLUSTERS}, which is not on {arm.url}: no token "
            "is sent there."
        )
        assert other.control.journal() == []


@pytest.mark.parametrize("link", [7, ["https://x"], True])
async def test_a_link_that_is_no_text_is_no_end(
    arm: ArmEmulator, reads: ArmReads, link: object
) -> None:
    answer(arm, next_link=link)
    with pytest.raises(AzureError, match="nextLink is no text"):
        await reads.clusters(SUBSCRIPTION)


async def test_a_link_is_asked_as_it_stands(arm: ArmEmulator, reads: ArmReads) -> None:
    """Braces are no template of the SDK, which would cut out the rest of the URL."""
    link = f"{arm.url}{CLUSTERS}?api-version={reads.options.api_version}&$filter={{x}}"
    answer(arm, next_link=link, count=1)
    found = await reads.clusters(SUBSCRIPTION)
    assert [each.rpartition("/")[2] for each in found] == ["one", "one", "three", "two"]
    assert asked(arm) == 2
