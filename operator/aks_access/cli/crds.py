"""`aks-access crds`: the CustomResourceDefinitions of this version, made from its models."""

import json

import click

from aks_access.cli.options.kinds import OneOf


@click.command("crds")
@click.option(
    "--output",
    "-o",
    "form",
    type=OneOf(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="A file of YAML, or a List in JSON.",
)
def crds(*, form: str) -> None:
    """Print the CRDs of this version, for kubectl apply --server-side -f -."""
    from aks_access.api.crd import definition, render
    from aks_access.api.names import Kind

    if form == "json":
        items = [definition(kind) for kind in Kind]
        whole = {"apiVersion": "v1", "kind": "List", "items": items}
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    click.echo("---\n".join(render(kind) for kind in Kind), nl=False)
