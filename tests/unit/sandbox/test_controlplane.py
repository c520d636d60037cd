import io
import json
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from sandbox.controlplane.audit import AuditEvent, read_audit_log, written
from sandbox.controlplane.binaries import HELM, KUBERNETES, BuildError, binary
from sandbox.controlplane.kubeconfig import write_kubeconfig
from sandbox.controlplane.paths import cache_directory, go_environment, home
from sandbox.controlplane.pki import Authority
from sandbox.controlplane.progress import Progress
from sandbox.controlplane.toolchain import find_go, installation, required_version

EVENT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "stage": "ResponseComplete",
    "requestURI": "/apis/aksaccess.dev/v1alpha1/namespaces/team-a/apiaccessgrants/me/status",
    "verb": "patch",
    "user": {"username": "system:serviceaccount:aks-access-system:aks-access-operator"},
    "objectRef": {
        "resource": "apiaccessgrants",
        "namespace": "team-a",
        "name": "me",
        "apiGroup": "aksaccess.dev",
        "apiVersion": "v1alpha1",
        "subresource": "status",
    },
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-11-22T18:00:00.123456Z",
    "stageTimestamp": "2026-11-22T18:00:00.200000Z",
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "b"',
    },
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_audit_event_is_read_completely():
    assert AuditEvent.parse(EVENT) == AuditEvent(
        verb="patch",
        user="system:serviceaccount:aks-access-system:aks-access-operator",
        group="aksaccess.dev",
        resource="apiaccessgrants",
        subresource="status",
        namespace="team-a",
        name="me",
        code=200,
        timestamp=datetime(2026, 11, 22, 18, 0, 0, 123456, tzinfo=UTC),
        uri="/apis/aksaccess.dev/v1alpha1/namespaces/team-a/apiaccessgrants/me/status",
        decision="allow",
        reason='RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "b"',
    )


def test_an_audit_line_that_is_still_being_written_waits(tmp_path: Path):
    log = tmp_path / "audit.log"
    assert list(read_audit_log(log)) == []
    line = json.dumps(EVENT)
    log.write_text(f"{line}\n{line[:50]}")
    assert len(list(read_audit_log(log))) == 1
    offset = written(log)
    with log.open("a") as file:
        file.write(f"{line[50:]}\n")
    assert len(list(read_audit_log(log, offset=offset))) == 1
    assert written(log) == log.stat().st_size


def test_versions_come_from_go_mod():
    assert KUBERNETES.version == "1.36.3"
    assert HELM.version.startswith("4.")
    assert "gitVersion=v1.36.3" in KUBERNETES.flags()[-1]


def test_every_pinned_program_is_a_tool_of_its_go_mod():
    for module in (KUBERNETES, HELM):
        text = (module.directory / "go.mod").read_text()
        for package in module.packages.values():
            assert package in text.split("require", 1)[0]


def test_envtest_assets_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    etcd = tmp_path / "etcd"
    etcd.touch(mode=0o755)
    assert binary("etcd") == etcd
    with pytest.raises(BuildError, match=f"KUBEBUILDER_ASSETS is {tmp_path}.*no program kubectl"):
        binary("kubectl")


def test_an_unknown_program_is_refused_by_name():
    with pytest.raises(BuildError, match=r"'kubelet'.*There are: kube-apiserver, etcd"):
        binary("kubelet")


def test_a_cached_program_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cached = KUBERNETES.cache() / "bin" / "etcd"
    assert cached.is_relative_to(tmp_path / "aks-access-operator" / "controlplane")
    cached.parent.mkdir(parents=True)
    cached.touch(mode=0o755)
    assert binary("etcd") == cached


def test_modules_do_not_share_a_cache():
    assert KUBERNETES.cache() != HELM.cache()


def fake_go(directory: Path, script: str) -> None:
    go = directory / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tools


def test_a_failed_build_shows_the_compiler_and_leaves_no_program(empty_cache: Path):
    fake_go(
        empty_cache,
        "case $1 in env) echo go1.99.0;; list) echo a/b; echo c/d;;\n"
        'build) echo a/b; echo "a/b/x.go:1:1: this does not compile" >&2; exit 1;; esac',
    )
    stream = io.StringIO()
    with pytest.raises(BuildError, match=r"exit code 1:\na/b/x\.go:1:1: this does not compile"):
        binary("etcd", progress=Progress(stream))
    assert not list((KUBERNETES.cache() / "bin").iterdir())
    assert "building etcd (k8s.io/kubernetes 1.36.3), once per machine" in stream.getvalue()


def test_a_program_appears_under_its_name_once_it_is_complete(empty_cache: Path):
    fake_go(
        empty_cache,
        "case $1 in env) echo go1.99.0;; list) echo a/b;; build)\n"
        'while [ "$1" != -o ]; do shift; done; echo program > "$2";; esac',
    )
    path = binary("etcd", progress=Progress(io.StringIO()))
    assert path.read_text() == "program\n"
    assert [each.name for each in path.parent.iterdir()] == ["etcd"]


def test_an_old_go_is_passed_over_for_the_installed_one(empty_cache: Path):
    fake_go(empty_cache, "echo go1.21.0")
    installed = installation() / "lib" / "python3.11" / "site-packages" / "go" / "bin"
    installed.mkdir(parents=True)
    fake_go(installed, "echo go1.26.6")
    go = find_go(module=KUBERNETES.directory, progress=Progress(io.StringIO()))
    assert go == str(installed / "go")


@pytest.mark.parametrize(
    ("text", "version"), [("module m\n\ngo 1.26.0\n", (1, 26, 0)), ("go 1.27\n", (1, 27))]
)
def test_the_needed_go_is_read_from_go_mod(text: str, version: tuple[int, ...]):
    assert required_version(text) == version


def test_home_may_be_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("HOME", raising=False)
        else:
            monkeypatch.setenv("HOME", value)
        assert home().is_absolute()
        assert go_environment()["HOME"] == str(home())
        assert cache_directory() == home() / ".cache" / "aks-access-operator"


def test_builds_do_not_depend_on_go_settings_of_the_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    environment = go_environment()
    assert (environment["GOFLAGS"], environment["CGO_ENABLED"]) == ("", "0")


def test_progress_redraws_one_line_on_a_terminal():
    stream = Terminal()
    progress = Progress(stream)
    progress.update("compiled 1 of at most 10")
    progress.say("done")
    first, last = stream.getvalue().split("\r", 1)
    assert first == "sandbox: compiled 1 of at most 10, 0:00"
    assert last.endswith("\rsandbox: done\n")


def test_progress_is_sparing_elsewhere():
    stream = io.StringIO()
    progress = Progress(stream)
    for number in range(100):
        progress.update(f"compiled {number}")
    assert stream.getvalue() == "sandbox: compiled 0, 0:00\n"


def test_certificates_hold_for_loopback_and_name_the_user(tmp_path: Path):
    authority = Authority("test")
    server = x509.load_pem_x509_certificate(authority.server().certificate)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.0.0.1" in {str(each) for each in names.get_values_for_type(x509.IPAddress)}
    client = x509.load_pem_x509_certificate(
        authority.client(user="ada", group="engineers").certificate
    )
    assert client.subject.rfc4514_string() == "CN=ada,O=engineers"
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    assert len(context.get_ca_certs()) == 1


def test_a_kubeconfig_is_private(tmp_path: Path):
    path = write_kubeconfig(
        tmp_path / "config",
        server="https://127.0.0.1:1",
        authority=b"ca",
        credential="token",
        namespace="team-a",
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["users"][0]["user"] == {"token": "token"}
