"""`aks-access plan`: what the operator makes of a cluster's list, and what files would change."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from aks_access.api.modes import DeletionPolicy
from aks_access.cli.files.changes import Fork
from aks_access.cli.files.inputs import ENDINGS, STDIN
from aks_access.cli.options.kinds import Namespace, Word, operator_namespace, text_or_json
from aks_access.cli.options.reaching import reaching
from aks_access.cli.plans.by_hand import az_lines
from aks_access.cli.plans.files import Difference, affected, denied, invalid
from aks_access.cli.plans.forecast import acting
from aks_access.cli.plans.lines import difference, text, told
from aks_access.cli.plans.look import Look
from aks_access.cli.plans.proposed import Files, proposed
from aks_access.cli.plans.snapshot import Facts
from aks_access.cli.plans.words import Remark, json_of
from aks_access.cli.surroundings import surroundings
from aks_access.cli.terminal import table
from aks_access.cli.terminal.saying import folded, say
from aks_access.errors import KubeError, StartupError
from aks_access.exits import ExitCode
from aks_access.plan.ledger import departure
from aks_access.plan.model import Target


@click.command("plan")
@click.argument(
    "what",
    metavar="[DIR|FILE…] [TARGET…]",
    type=Word(names="file, folder or target; name one"),
    nargs=-1,
    required=True,
)
@click.option("--as-az", is_flag=True, help="Print the az commands that do it by hand.")
@click.option("--add-grants", is_flag=True, help="With --as-az: also add what grants ask for.")
@click.option(
    "--azure", "asks_azure", is_flag=True, help="Read the cluster in Azure now, as who `az` is."
)
@click.option(
    "--namespace", "-n", type=Namespace(), default="", help="Of grants whose file names none."
)
@operator_namespace
@click.option(
    "--base",
    type=Word(names="branch or commit; write one like origin/main"),
    metavar="GIT-REF",
    help="With files: the branch to merge into; objects that were there and are gone count.",
)
@text_or_json
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
    base: str | None,
    form: str,
) -> None:
    """Say what becomes of a cluster's list, by the operator's own planner.

    Of a TARGET: every entry, what comes, what goes and why, and who is not let in. Of each FILE and
    all below DIR: what changes once they are applied, beside what is planned already; with --base
    also what goes with what Git deletes. The list is as the operator last read it. When it writes
    is not foretold, and whether Azure takes the write only the write shows. Nothing is written.

    Exit codes: 0 done, 1 a grant of the files would be denied, or there is no plan, 2 wrong usage,
    3 the cluster's list is not known, or something cannot be reached.
    """
    fork = Fork.of(base) if base is not None else None
    paths, names = _sorted(what, fork=fork)
    if as_az and (paths or len(names) != 1):
        raise click.UsageError("--as-az takes one TARGET, and no files.")
    if as_az and form == "json":
        raise click.UsageError("--as-az prints commands, and no JSON.")
    if add_grants and not as_az:
        raise click.UsageError("--add-grants goes with --as-az.")
    if fork is not None and (not paths or STDIN in paths):
        raise click.UsageError("--base goes with files and folders: of others Git knows nothing.")
    look = Look(asks_azure=asks_azure, namespace=operator_namespace)
    if paths:
        own = namespace or look.hub.namespace()
        files = proposed(paths, fork=fork, namespace=own, stdin=surroundings().stdin)
        ctx.exit(_files(look, files=files, names=names, form=form))
    targets = [look.target(name) for name in dict.fromkeys(names)]
    look.read(targets)
    if as_az:
        _by_hand(look, targets[0], add_grants=add_grants)
    else:
        _targets(look, targets, form=form)
    _tell(look)


def _sorted(what: Iterable[str], *, fork: Fork | None) -> tuple[list[str], list[str]]:
    """Files and folders, those that Git deletes too, and names of targets."""
    paths: list[str] = []
    names: list[str] = []
    for each in what:
        is_path = each == STDIN or "/" in each or each.endswith(ENDINGS) or Path(each).exists()
        is_path = is_path or (fork is not None and fork.had(each))
        (paths if is_path else names).append(each)
    return paths, names


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
        for line in text(each, width=table.width()):
            click.echo(line)


def _tell(look: Look) -> None:
    for doubt in look.doubts:
        say(f"note: {doubt}")


def _files(look: Look, *, files: Files, names: list[str], form: str) -> ExitCode:
    look.doubts.update(dict.fromkeys([*files.doubts, *files.unknown(look.objects)]))
    refused = list(files.refused)
    bad = frozenset(each.about for each in refused)
    known = look.known(files.applied(look.objects, now=look.now, skip=bad))
    refused += invalid(known, given=files.given)
    # The API server keeps the object of before where it refuses the new one.
    bad = frozenset(each.about for each in refused)
    after = look.known(files.applied(look.objects, now=look.now, skip=bad))
    targets = affected(before=look.facts, after=after, given=files.touched)
    if names:
        wanted = {look.target(name).name for name in names}
        targets = [target for target in targets if target.name in wanted]
    usable = [target for target in targets if target.name not in after.barred]
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
    refused += denied(differences, after=after, given=files.given, skip=bad, now=look.now)
    _show(look, differences=differences, refused=refused, form=form)
    return ExitCode.FAILED if refused else ExitCode.OK


def _difference(look: Look, *, before: Target, after: Target, known: Facts) -> Difference:
    memory = look.memory(before)
    if after.deleting is not None and before.deleting is None:
        goes = departure(target=after, ledger=memory.ledger)
        if goes is DeletionPolicy.DETACH:
            raise KubeError("It goes with deletionPolicy Detach: its list stays as it is.")
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
    width = table.width()
    for each in differences:
        for line in difference(each, width=width):
            click.echo(line)
    for line in told(refused, what="denied", width=width):
        click.echo(line)
    rows = [row for each in differences for row in each.rows()]
    come = sum(row.sign == "+" for row in rows)
    looked = f"{len(differences)} target{'' if len(differences) == 1 else 's'} looked at."
    counts = f"{come} to add, {len(rows) - come} to remove, {len(refused)} denied; {looked}"
    click.echo(folded(counts, stream=sys.stdout))
    _tell(look)
