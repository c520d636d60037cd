"""Kubeconfig files with everything inside: address, authority and one credential."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from sandbox.controlplane.pki import KeyPair, write_private


def write_kubeconfig(
    path: Path, *, server: str, authority: bytes, credential: KeyPair | str, namespace: str
) -> Path:
    """Write a kubeconfig (JSON, which is YAML) for a client certificate or a bearer token."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    return write_kubeconfig_of(cluster, path=path, credential=credential, namespace=namespace)


def write_kubeconfig_of(
    cluster: Mapping[str, object], *, path: Path, credential: KeyPair | str, namespace: str
) -> Path:
    """The same for a cluster as another kubeconfig describes it, which is taken as it is."""
    if isinstance(credential, str):
        user = {"token": credential}
    else:
        user = {
            "client-certificate-data": _base64(credential.certificate),
            "client-key-data": _base64(credential.key),
        }
    context = {"cluster": "sandbox", "user": "sandbox", "namespace": namespace}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": user}],
        "contexts": [{"name": "sandbox", "context": context}],
        "current-context": "sandbox",
    }
    return write_private(path, json.dumps(content, indent=1).encode())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
