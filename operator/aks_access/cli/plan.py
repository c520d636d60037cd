"""`aks-access plan`: what the operator makes of a cluster's list, and what files would change."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aks_access.api.names import OPERATOR_NAMESPACE
from aks_access.cli.by_hand import az_lines
from aks_access.cli.cluster import Cluster
from aks_access.cli.forecast import Forecast, acting, forecast
from aks_access.cli.inputs import STDIN, Contents, contents
from aks_access.cli.installed import Installed, installed
from aks_access.cli.kinds import Namespace, OneOf
from aks_access.cli.plan_files import Difference, affected, denied, invalid, named
from aks_access.cli.plan_words import Remark, json_of, text
from aks_access.cli.reaching import cluster, reaching
from aks_access.cli.recall import Memory, condition, management_egress, recall, view_of
from aks_access.cli.snapshot import Facts, Snapshot, facts, overlaid, snapshot
from aks_access.cli.surroundings import surroundings
from aks_access.errors import InputError, KubeError, KubeNotFound, StartupError
from aks_access.exits import ExitCode
from aks_access.plan.cluster import ClusterView
from aks_access.plan.model import Target
from aks_access.plan.wording import listed, sentence

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads

_FILES = (".yaml", ".yml", ".json")
_DUPLICATE = "DuplicateTarget"


@click.command("plan")
@click.argument("what", metavar="[DIR|FILE…] [TARGET…]", nargs=-1, required=True)
@click.option("--as-az", is_flag=True, help="Print the az commands that do it by hand.")
@click.option("--add-grants", is_flag=True, help="With --as-az: also add what grants ask for.")
@click.option(
    "--azure", "asks_azure", is_flag=True, help="Read the cluster in Azure now, as who `az` is."
)
@click.option(
    "--namespace", "-n", type=Namespace(), default="", help="Of grants whose file names none."
)
@click.option(
    "--operator-namespace",
    type=Namespace(),
    default=OPERATOR_NAMESPACE,
    show_default=True,
    help="Where the operator runs.",
)
@click.option(
    "--output", "-o", "form", type=OneOf(["text", "json"]), default="text", show_default=True
)
@reaching
@click.pass_context
def plan(
    ctx: click.Context,
    *,
    what: tuple[str, ...],
    as_az: bool,
    add_grants: bool,
    asks_azure: bool,
    namespace: str,
    operator_namespace: str,
    form: str,
) -> None:
    """Say what becomes of a cluster's list, by the operator's own planner.

    Of a TARGET: every entry, what comes, what goes and why, and who is not let in. Of files: what
    changes once they are applied, beside what is planned already; what Git deletes they do not
    tell. The list is as the operator last read it. When it writes is not foretold, and whether
    Azure takes the write only the write shows. Nothing is written.

    Exit codes: 0 done, 1 a grant of the files would be denied, or there is no plan, 2 wrong usage,
    3 the cluster's list is not known, or something cannot be reached.
    """
    paths, names = _sorted(what)
    if as_az and (paths or len(names) != 1):
        raise click.UsageError("--as-az takes one TARGET, and no files.")
    if as_az and form == "json":
        raise click.UsageError("--as-az prints commands, and no JSON.")
    if add_grants and not as_az:
        raise click.UsageError("--add-grants goes with --as-az.")
    look = Look(asks_azure=asks_azure, namespace=operator_namespace)
    if paths:
        given = contents(paths, stdin=surroundings().stdin)
        ctx.exit(_files(look, given=given, names=names, namespace=namespace, form=form))
    targets = [look.target(name) for name in dict.fromkeys(names)]
    look.read(targets)
    if as_az:
        _by_hand(look, targets[0], add_grants=add_grants)
    else:
        _targets(look, targets, form=form)
    _tell(look)


def _sorted(what: Iterable[str]) -> tuple[list[str], list[str]]:
    """Files and folders, and names of targets."""
    paths: list[str] = []
    names: list[str] = []
    for each in what:
        is_path = each == STDIN or "/" in each or each.endswith(_FILES) or Path(each).exists()
        (paths if is_path else names).append(each)
    return paths, names


class Look:
    """What is known of the management cluster, read once."""

    def __init__(self, *, asks_azure: bool, namespace: str) -> None:
        self.hub: Cluster = cluster()
        self.now = surroundings().now()
        self.namespace = namespace
        self.asks_azure = asks_azure
        self.operator: Installed = installed(self.hub, namespace=namespace)
        self.objects = snapshot(self.hub)
        self.facts = self.known(self.objects)
        self.doubts: dict[str, None] = {}
        self._views: dict[str, ClusterView] = {}

    def known(self, objects: Snapshot) -> Facts:
        """The facts of these objects."""
        label = self.operator.settings.argocd_instance_label
        return facts(objects, argo_instance_label=label)

    def target(self, name: str) -> Target:
        """A target by its name. Raises KubeNotFound, KubeError for one that stands for nothing."""
        target = self.facts.targets.get(name)
        if target is None:
            there = listed(sorted(self.facts.targets)) or "none"
            raise KubeNotFound(f'No target "{name}". There are: {there}.')
        return target

    def read(self, targets: Sequence[Target]) -> None:
        """Read the clusters in Azure itself, where that is asked for. Raises AzureError."""
        if not self.asks_azure or not targets:
            return
        from aks_access.cli.azure import with_azure

        async def ask(reads: "ArmReads") -> None:
            for target in targets:
                self._views[target.name] = await reads.cluster(target.resource_id)

        with_azure(ask)

    def view(self, target: Target) -> ClusterView:
        """The target's cluster. Raises StartupError where it is not known."""
        return self._views.get(target.name) or view_of(target)

    def memory(self, target: Target) -> Memory:
        """What is remembered of the target's cluster."""
        found = recall(
            self.hub,
            target=target,
            view=self.view(target),
            grants=self.facts.grants.values(),
            namespace=self.namespace,
            now=self.now,
        )
        self.doubts.update(dict.fromkeys(found.doubts))
        return found

    def forecast(self, target: Target, *, memory: Memory, known: Facts) -> Forecast:
        """The plan of a target."""
        reason, message = condition(target)
        if reason == _DUPLICATE:
            raise KubeError(f"{target.name} has no plan of its own. {message}")
        if target.problems and memory.ledger is None:
            first = target.problems[0]
            raise KubeError(f"{target.name} has no plan. {first.path}: {first.message}.")
        return forecast(
            target=target,
            facts=known,
            view=self.view(target),
            memory=memory,
            operator=self._operator(target),
            now=self.now,
        )

    def _operator(self, target: Target) -> Installed:
        """The operator's settings, or as much of them as the target's status shows."""
        if not self.operator.doubt:
            return self.operator
        self.doubts[
            f"The operator's settings are not known, {sentence(self.operator.doubt)} Of the "
            "management cluster's egress only what stands in the list already is known."
        ] = None
        return self.operator.with_egress(management_egress(target))


def _by_hand(look: Look, target: Target, *, add_grants: bool) -> None:
    made = look.forecast(acting(target), memory=look.memory(target), known=look.facts)
    for line in list(
        az_lines(made, now=look.now, read_now=look.asks_azure, adds_grants=add_grants)
    ):
        click.echo(line)


def _targets(look: Look, targets: Sequence[Target], *, form: str) -> None:
    made = [look.forecast(t, memory=look.memory(t), known=look.facts) for t in targets]
    if form == "json":
        found = [{**json_of(each), "doubts": list(look.doubts)} for each in made]
        click.echo(json.dumps(found[0] if len(found) == 1 else found, indent=2))
        return
    for number, each in enumerate(made):
        if number:
            click.echo()
        for line in text(each):
            click.echo(line)


def _tell(look: Look) -> None:
    for doubt in look.doubts:
        click.echo(f"note: {doubt}", err=True)


def _files(look: Look, *, given: Contents, names: list[str], namespace: str, form: str) -> ExitCode:
    if given.broken:
        first = given.broken[0]
        raise InputError(f"{first.source}:{first.position.line}: {sentence(first.message)}")
    own = namespace or look.hub.namespace()
    paths = named(given.documents, namespace=own)
    wished = overlaid(look.objects, documents=given.documents, namespace=own, now=look.now)
    refused = invalid(look.known(wished), given=paths)
    # The API server keeps the object of before where it refuses the new one.
    bad = frozenset(each.about for each in refused)
    after = look.known(
        overlaid(look.objects, documents=given.documents, namespace=own, now=look.now, skip=bad)
    )
    targets = affected(before=look.facts, after=after, given=paths)
    if names:
        wanted = {look.target(name).name for name in names}
        targets = [target for target in targets if target.name in wanted]
    usable = [target for target in targets if not target.problems]
    look.read([each for each in usable if each.name in look.facts.targets])
    differences = []
    for target in usable:
        before = look.facts.targets.get(target.name)
        if before is None:
            look.doubts[f"{target.name} is new: its list is known once the operator read it."] = (
                None
            )
            continue
        try:
            differences.append(_difference(look, before=before, after=target, known=after))
        except (StartupError, KubeError) as error:
            look.doubts[f"{target.name} was not planned. {error}"] = None
    refused += denied(differences, after=after, given=paths, skip=bad, now=look.now)
    _show(look, differences=differences, refused=refused, form=form)
    return ExitCode.FAILED if refused else ExitCode.OK


def _difference(look: Look, *, before: Target, after: Target, known: Facts) -> Difference:
    memory = look.memory(before)
    return Difference(
        before=look.forecast(before, memory=memory, known=look.facts),
        after=look.forecast(after, memory=memory, known=known),
    )


def _show(look: Look, *, differences: list[Difference], refused: list[Remark], form: str) -> None:
    if form == "json":
        found = {
            "targets": [each.json() for each in differences],
            "denied": [each.json() for each in refused],
            "doubts": list(look.doubts),
        }
        click.echo(json.dumps(found, indent=2))
        return
    for each in differences:
        for line in each.text():
            click.echo(line)
    for remark in refused:
        click.echo(f"denied  {remark.about}  {remark.reason}: {remark.message}")
    rows = [row for each in differences for row in each.rows()]
    come = sum(row.sign == "+" for row in rows)
    click.echo(
        f"{come} to add, {len(rows) - come} to remove, {len(refused)} denied; "
        f"{len(differences)} target{'' if len(differences) == 1 else 's'} looked at."
    )
    _tell(look)
