"""The sandbox's commands for building and generating; `demo` and `up` have modules of their own."""

import sys
from pathlib import Path

import click

from sandbox import generated
from sandbox.controlplane.binaries import ARGOCD, ETCDUTL, HELM, KUBERNETES, binary
from sandbox.controlplane.progress import Progress
from sandbox.pages.site import problems as problems_of_site

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
    """Write the chart's copies and README.md, deploy/, azure/, docs/reference/ and other pages."""
    if not check:
        generated.write()
        return
    problems = generated.stale()
    for problem in problems:
        click.echo(f"{problem}. Run `make generate`.", err=True)
    sys.exit(1 if problems else 0)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def site(folder: Path) -> None:
    """Check the built documentation: links lead somewhere, nothing is loaded from elsewhere."""
    problems = problems_of_site(folder)
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)
