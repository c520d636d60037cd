"""The control plane's programs: found in ``KUBEBUILDER_ASSETS`` or the cache, else built.

Each set of go.mod, go.sum and build flags has a directory of its own in the user's cache, so a
new version never meets an old program. A file lock makes builds that start together share one;
a program appears under its name only when it is complete.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.controlplane.paths import cache_directory, go_environment
from sandbox.controlplane.progress import Progress
from sandbox.controlplane.toolchain import find_go

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
_ENVTEST = frozenset({"kube-apiserver", "etcd", "kubectl"})
_HERE = Path(__file__).parent
_ERROR_LINES = 30


class BuildError(RuntimeError):
    """A program of the control plane is missing or could not be built."""


@dataclass(frozen=True, slots=True)
class GoModule:
    """A go.mod with the programs it pins: name to Go package, and where the version is stamped."""

    directory: Path
    pinned: str
    packages: dict[str, str]
    stamps: dict[str, str]

    @property
    def version(self) -> str:
        """The pinned version, such as 1.36.3."""
        found = re.search(
            rf"^(?:require)?\s*{re.escape(self.pinned)} v(\S+)",
            (self.directory / "go.mod").read_text(),
            re.MULTILINE,
        )
        if not found:
            raise BuildError(f"{self.directory / 'go.mod'} does not require {self.pinned}")
        return found[1]

    def flags(self) -> list[str]:
        """Return the flags of `go build`: reproducible, stripped, the version stamped in."""
        major, minor, _ = self.version.split(".", 2)
        values = {
            "version": f"v{self.version}",
            "number": self.version,
            "major": major,
            "minor": minor,
        }
        stamps = "".join(f" -X {name}={values[value]}" for name, value in self.stamps.items())
        return ["-buildvcs=false", "-trimpath", "-ldflags", f"-s -w{stamps}"]

    def cache(self) -> Path:
        """Return the cache directory of exactly this set of programs on this kind of machine."""
        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum"):
            digest.update((self.directory / name).read_bytes())
        digest.update(repr((self.flags(), platform.system(), platform.machine())).encode())
        return cache_directory() / "controlplane" / digest.hexdigest()[:16]


_VERSION_PACKAGE = "k8s.io/component-base/version"
KUBERNETES = GoModule(
    directory=_HERE,
    pinned="k8s.io/kubernetes",
    packages={
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "etcd": "go.etcd.io/etcd/server/v3",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    stamps={
        f"{_VERSION_PACKAGE}.gitVersion": "version",
        f"{_VERSION_PACKAGE}.gitMajor": "major",
        f"{_VERSION_PACKAGE}.gitMinor": "minor",
    },
)
HELM = GoModule(
    directory=_HERE / "helm",
    pinned="helm.sh/helm/v4",
    packages={"helm": "helm.sh/helm/v4/cmd/helm"},
    stamps={"helm.sh/helm/v4/internal/version.version": "version"},
)
ETCDUTL = GoModule(
    directory=_HERE / "etcdutl",
    pinned="go.etcd.io/etcd/etcdutl/v3",
    packages={"etcdutl": "go.etcd.io/etcd/etcdutl/v3"},
    stamps={},
)
ARGOCD = GoModule(
    directory=_HERE / "argocd",
    pinned="github.com/argoproj/argo-cd/v3",
    packages={"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
    stamps={"github.com/argoproj/argo-cd/v3/common.version": "number"},
)
_MODULES = (KUBERNETES, HELM, ETCDUTL, ARGOCD)


def binary(name: str, *, progress: Progress | None = None) -> Path:
    """Path of one program, built first if need be (minutes, once per machine).

    `name` is one of kube-apiserver, etcd, kubectl, kube-controller-manager, helm, etcdutl
    and argocd.
    Raises BuildError with the end of the compiler's output, ToolchainError without a usable Go.
    """
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets and name in _ENVTEST:
        return _asset(Path(assets), name)
    module = next((module for module in _MODULES if name in module.packages), None)
    if module is None:
        known = ", ".join(name for module in _MODULES for name in module.packages)
        raise BuildError(f"no program {name!r} in the sandbox. There are: {known}")
    path = module.cache() / "bin" / name
    if not path.exists():
        progress = progress or Progress()
        with _lock(module.cache() / "lock", progress=progress):
            if not path.exists():
                _build(module, name, path, progress)
    return path


def any_kubectl(*, progress: Progress | None = None) -> Path:
    """Path of a kubectl for somebody else's cluster: one on PATH spares the minutes of a build.

    The sandbox's own comes first where it is there. Raises what `binary` raises.
    """
    found = shutil.which("kubectl")
    if os.environ.get(ASSETS_VARIABLE) or found is None or _built("kubectl"):
        return binary("kubectl", progress=progress)
    return Path(found).absolute()


def _built(name: str) -> bool:
    return (KUBERNETES.cache() / "bin" / name).exists()


def _asset(directory: Path, name: str) -> Path:
    path = directory / name
    if not os.access(path, os.X_OK):
        raise BuildError(
            f"{ASSETS_VARIABLE} is {directory}, but there is no program {name} in it. Fetch it "
            f"with setup-envtest, or unset {ASSETS_VARIABLE} to have it built."
        )
    return path


@contextmanager
def _lock(file: Path, *, progress: Progress) -> Iterator[None]:
    """Hold the lock of one cache directory; it goes with the process, however that ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress.update("another process builds the control plane, waiting for it")
                time.sleep(0.5)
        yield


def _build(module: GoModule, name: str, path: Path, progress: Progress) -> None:
    go = find_go(module=module.directory, progress=progress)
    package = module.packages[name]
    progress.say(f"building {name} ({module.pinned} {module.version}), once per machine")
    total = sum(1 for _ in _output([go, "list", "-deps", package], module, name, progress))
    path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = path.with_name(f".{name}.incomplete")
    command = [go, "build", "-v", *module.flags(), "-o", str(incomplete), package]
    for count, _ in enumerate(_output(command, module, name, progress), start=1):
        progress.update(f"{name}: compiled {count} of at most {total} packages")
    os.replace(incomplete, path)
    progress.say(f"{name} is in {path.parent}")


def _output(command: list[str], module: GoModule, name: str, progress: Progress) -> Iterator[str]:
    """Yield the packages that a Go command names, while downloads are shown as progress."""
    downloads = 0
    other: deque[str] = deque(maxlen=_ERROR_LINES)
    with subprocess.Popen(
        command,
        cwd=module.directory,
        env=go_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("go: downloading "):
                downloads += 1
                progress.update(f"{name}: downloading modules, {downloads} so far")
            elif re.fullmatch(r"[\w./~+-]+", line.strip()):
                yield line.strip()
            else:
                other.append(line)
    if process.returncode:
        raise BuildError(
            f"`{' '.join(command)}` in {module.directory} failed with exit code "
            f"{process.returncode}:\n{''.join(other).rstrip()}"
        )
