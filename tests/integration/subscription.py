"""A subscription of its own, which commands of the platform team ask about, and clusters in it."""

MANY = "77777777-7777-4777-8777-777777777777"


def cluster_id(name: str, *, group: str = "rg", subscription: str = MANY) -> str:
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )
