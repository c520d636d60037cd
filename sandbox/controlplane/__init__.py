"""A real Kubernetes control plane on loopback: kube-apiserver and etcd, without any node.

The programs are built once from the Go modules pinned beside this file (or taken from
``KUBEBUILDER_ASSETS``) and kept in the user's cache. `ControlPlane` starts them.
"""

from sandbox.controlplane.audit import AuditEvent
from sandbox.controlplane.binaries import binary
from sandbox.controlplane.server import ControlPlane

__all__ = ["AuditEvent", "ControlPlane", "binary"]
