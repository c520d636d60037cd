"""A context of somebody's kubeconfig is copied by the real kubectl, and works as it did there."""

import base64
import json
from pathlib import Path

from sandbox.controlplane.binaries import any_kubectl
from sandbox.existing.kubeconfig import pin


def test_a_context_is_copied_with_all_it_needs(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "ca.pem").write_text("the authority")
    login = {"command": "./login", "apiVersion": "client.authentication.k8s.io/v1"}
    cluster = {"server": "https://a.example", "certificate-authority": "ca.pem"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": cluster}],
        "users": [
            {"name": "by-file", "user": {"tokenFile": "token"}},
            {"name": "by-program", "user": {"exec": {**login, "interactiveMode": "Never"}}},
        ],
        "contexts": [
            {"name": "a", "context": {"cluster": "a", "user": "by-file"}},
            {"name": "b", "context": {"cluster": "a", "user": "by-program"}},
        ],
    }
    (theirs / "config").write_text(json.dumps(content))
    for context, key, expected in (
        (None, "tokenFile", theirs / "token"),
        ("b", "exec", theirs / "login"),
    ):
        pinned = pin(theirs / "config", context=context, kubectl=any_kubectl(), directory=tmp_path)
        copied = json.loads(pinned.copy.read_text())
        (user,) = copied["users"]
        found = user["user"][key]
        assert Path(found["command"] if key == "exec" else found) == expected
        authority = copied["clusters"][0]["cluster"]["certificate-authority-data"]
        assert base64.b64decode(authority) == b"the authority"
        assert pinned.copy.stat().st_mode & 0o777 == 0o600
