"""The demo's figures, counted by others than the operator: the emulator, and a witness."""

from collections import Counter

from sandbox.demo.screen import Screen
from sandbox.demo.stage import Stage


def show_steps(screen: Screen, *, seconds: dict[str, float]) -> None:
    """How long each step took."""
    rows = [(f"{took:5.1f}", name) for name, took in seconds.items()]
    screen.table("Steps", ("SECONDS", "STEP"), rows)


def show_writes(stage: Stage) -> None:
    """What was written to Azure, by the emulator's journal, and to Kubernetes, by a witness."""
    rows = []
    for name in stage.world.clusters:
        requests = stage.requests(name)
        puts = [entry for entry in requests if entry.method == "PUT"]
        failed = [entry for entry in puts if entry.status not in (200, 201)]
        gets = sum(entry.method == "GET" for entry in requests)
        rows.append((name, str(len(puts) - len(failed)), str(len(failed)), str(gets)))
    stage.screen.table(
        "Requests to Azure, by the emulator's journal", ("CLUSTER", "PUT", "REFUSED", "GET"), rows
    )
    witness = stage.world.witness
    writes = stage.kubernetes_writes()
    count = Counter((each.resource, each.verb) for each in writes)
    refused = Counter((each.resource, each.verb) for each in writes if each.refused)
    unseen = {(each.resource, each.verb) for each in writes if each.refused is None}
    stage.screen.table(
        witness.title,
        ("RESOURCE", "VERB", "WRITES", "REFUSED"),
        [
            (*key, str(count[key]), "not seen" if key in unseen else str(refused[key]))
            for key in sorted(count)
        ],
    )
    if witness.left_out:
        stage.screen.note(witness.left_out)
