"""Backups of a control plane's etcd, taken and restored as administrators do.

A snapshot comes over etcd's own HTTP gateway (its Maintenance API's Snapshot, a stream of JSON
lines), and is restored with etcdutl into a new data directory. Nothing bumps the revision unless
asked: resourceVersions go back, which is the harder case for a client.
"""

import base64
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

from sandbox.controlplane.binaries import binary
from sandbox.processes import ProcessError

_SNAPSHOT_SECONDS = 60.0


def save_snapshot(*, etcd: str, file: Path) -> None:
    """Write a snapshot of the running etcd at this URL into `file`."""
    request = urllib.request.Request(
        f"{etcd}/v3/maintenance/snapshot", data=b"{}", headers={"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_SNAPSHOT_SECONDS) as answer, file.open("wb") as out:
        for line in answer:
            message = json.loads(line)
            if "error" in message:
                raise ProcessError(f"etcd gave no snapshot: {message['error']}")
            out.write(base64.b64decode(message["result"].get("blob", "")))


def restore_snapshot(*, file: Path, data: Path, peer: str, bump: int = 0) -> None:
    """Make `file` the data directory of a stopped single member whose peer URL is `peer`.

    `bump` raises the revision by so much and marks all before it as compacted, as Kubernetes'
    documentation advises; 0 brings the old revisions back.
    """
    shutil.rmtree(data, ignore_errors=True)
    bumped = [f"--bump-revision={bump}", "--mark-compacted"] if bump else []
    done = subprocess.run(
        [
            *(str(binary("etcdutl")), "snapshot", "restore", str(file)),
            *(f"--data-dir={data}", f"--initial-cluster=default={peer}"),
            *(f"--initial-advertise-peer-urls={peer}", *bumped),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ProcessError(f"etcdutl did not restore {file}: {done.stderr.strip()}")
