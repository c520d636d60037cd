"""Nothing secret leaves the operator, at the level of most detail and with every library's help."""

import json
from collections.abc import Iterator
from pathlib import Path

from sandbox.chart import NAMESPACE
from tests.integration.world import World

SIGNATURES = ("c", "s", "h")


def signatures(world: World) -> Iterator[str]:
    """The secret parts of every operation's URL that was asked for."""
    for entry in world.arm.journal(since=world.begun.journal):
        for name in SIGNATURES:
            if len(entry.query.get(name, "")) > 20:
                yield entry.query[name]


def shown(world: World) -> str:
    """Everything that people and machines can read of the operator."""
    parts = [world.operator.log.read_text()]
    parts += [world.operator.get(path)[1] for path in ("/livez", "/readyz", "/metrics")]
    parts += [json.dumps(item.read()) for item in world.objects if item.exists()]
    parts += [json.dumps(event) for event in world.events()]
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    parts.append(json.dumps(world.plane.request("GET", path)))
    return "\n".join(parts)


def tokens(world: World) -> list[str]:
    """The credentials that the operator was given, as they stand in its files."""
    variables = world.operator.invocation.variables
    kubeconfig = json.loads(Path(world.operator.invocation.settings["kubeconfig"]).read_text())
    federated = Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text()
    return [kubeconfig["users"][0]["user"]["token"], federated.strip()]


def test_security_no_credential_and_no_signature_is_shown_at_debug_level(
    restart_world: World,
) -> None:
    world = restart_world
    world.station.start(log_level="debug")
    cluster = world.cluster()
    target = world.target(cluster)
    world.grant(target, "20.50.1.1")
    cluster.wait_ranges("51.140.8.0/24", "20.50.1.1/32")
    signed = "https://x.example/operations/o?api-version=1&t=638&c=SIGNED-C&s=SIGNED-S&h=SIGNED-H"
    said = f"Ask {signed} with Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
    world.arm.add_fault(path=cluster.key, method="PUT", status=500, code="Broken", message=said)
    late = world.grant(target, "20.50.1.2")
    late.wait_state("Active")
    everything = shown(world)
    assert "REDACTED" in everything, "the message with a signed URL was shown nowhere"
    hidden = [*tokens(world), *signatures(world), "SIGNED-", "c2lnbmF0dXJl"]
    for secret in hidden:
        assert secret not in everything, f"{secret[:12]}… is shown"
    assert "Bearer eyJ" not in everything
