"""The sandbox's commands for building and generating; `demo` and `up` have modules of their own."""

import sys

import click

from sandbox import generated
from sandbox.controlplane.binaries import ARGOCD, ETCDUTL, HELM, KUBERNETES, binary
from sandbox.controlplane.progress import Progress

_PROGRAMS = (*KUBERNETES.packages, *HELM.packages, *ETCDUTL.packages, *ARGOCD.packages)
_DEFAULT = ("kube-apiserver", "etcd", "kubectl")


@click.command()
@click.argument("programs", nargs=-1, type=click.Choice(_PROGRAMS))
def build(programs: tuple[str, ...]) -> None:
    """Build PROGRAMS (kube-apiserver, etcd and kubectl when none is named) unless they are there.

    From pinned Go modules, once per machine, into the user's cache; KUBEBUILDER_ASSETS is used
    instead where it is set.
    """
    progress = Progress()
    for name in programs or _DEFAULT:
        binary(name, progress=progress)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is out of step.")
def render(check: bool) -> None:
    """Write the chart's copy of the CRDs, its README.md and deploy/."""
    if not check:
        generated.write()
        return
    problems = generated.stale()
    for problem in problems:
        click.echo(f"{problem}. Run `make generate`.", err=True)
    sys.exit(1 if problems else 0)
