"""Makes what the demo needs on a cluster, each object new: none is ever taken over."""

from http import HTTPStatus

from sandbox.chart import wait_served
from sandbox.controlplane.client import ApiError
from sandbox.existing.cluster import ExistingCluster
from sandbox.existing.errors import ClusterError
from sandbox.existing.inventory import things


def claim(cluster: ExistingCluster, *, run: str) -> None:
    """Create everything for a run, and return when the kinds are served.

    The namespace of the operator comes first: of two demos that start together one gets it.
    Raises ClusterError; what was made until then carries the run's label.
    """
    made = things()
    for thing in made:
        try:
            cluster.request("POST", thing.collection, thing.labelled(run))
        except ApiError as error:
            if error.code == HTTPStatus.CONFLICT:
                raise ClusterError(
                    f"somebody else just made {thing} on {cluster.context}: it was left as it is."
                ) from error
            raise ClusterError(f"{cluster.context} refuses {thing}: {error.said}") from error
    wait_served(cluster, [thing.manifest for thing in made])
