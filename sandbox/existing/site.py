"""A cluster that is already there as a site for the demo: claimed, and given back as it was."""

import contextlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox.controlplane.binaries import any_kubectl
from sandbox.existing.claim import claim
from sandbox.existing.cluster import ExistingCluster, existing_cluster
from sandbox.existing.errors import ClusterError
from sandbox.existing.preflight import again, check, version_of
from sandbox.existing.removal import Removal, unhurried
from sandbox.existing.watches import Watches
from sandbox.management import Ground, Say, Site


def existing(file: Path, *, context: str | None) -> Ground:
    """The ground of a landscape on a context of a kubeconfig (the current one for None)."""

    @contextlib.contextmanager
    def ground(say: Say) -> Iterator[Site]:
        kubectl = any_kubectl()
        with existing_cluster(file, context=context, kubectl=kubectl) as cluster:
            version = version_of(cluster)
            say(f"the cluster is {cluster.context}, Kubernetes {version}; kubectl is {kubectl}")
            check(cluster)
            run = secrets.token_hex(4)
            try:
                claim(cluster, run=run)
                say(f"it has the chart's CRDs and the operator's rights, all of run {run}")
                with Watches(cluster) as witness:
                    yield Site(
                        cluster=cluster,
                        witness=witness,
                        kubectl=kubectl,
                        variables=cluster.variables(),
                    )
            finally:
                give_back(cluster, run=run, say=say)

    return ground


def remove(file: Path, *, context: str | None, say: Say) -> None:
    """Remove what demos left on a cluster, of whichever run. Raises ClusterError for leftovers."""
    with existing_cluster(file, context=context, kubectl=any_kubectl()) as cluster:
        version_of(cluster)
        say(f"the cluster is {cluster.context}")
        give_back(cluster, run=None, say=say)


def give_back(cluster: ExistingCluster, *, run: str | None, say: Say) -> None:
    """Remove a run's objects (any run's for None). Raises ClusterError for what is left."""

    def tell(text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be closed: the removal goes on
            say(text)

    removal = Removal(cluster, run=run)
    failed = f"Remove it later: {again(cluster, '--remove')}"
    before = f"{sys.exception() or ''}\n".lstrip()  # what ended the demo is not to be lost
    with unhurried(tell):
        tell(f"removing what the demo made on {cluster.url}")
        try:
            left = removal.finish()
        except KeyboardInterrupt:
            raise ClusterError(
                f"{before}what the demo made on {cluster.context} is left. {failed}"
            ) from None
    if left:
        raise ClusterError(
            f"{before}on {cluster.context} there are left: {', '.join(left)}. {failed}"
        )
    tell("everything is removed" if removal.found else "nothing of a demo is there")
