"""What is in the image, and what is not: read from its files."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.chart import ROOT
from tests import figures
from tests.image.builds import Image
from tests.image.container import USER

OURS = "aks-access-operator"
LOCK = ROOT / "requirements" / "run.txt"
LIMIT = 80 * 2**20
"""Bytes of the environment's files; who adds a dependency that passes it says what it is worth."""

BUILD_TOOLS = frozenset(
    {"pip", "pip3", "uv", "easy_install", "wheel", "gcc", "g++", "cc", "c++", "clang", "ld", "as"}
    | {"make", "cmake", "cargo", "rustc", "go", "git", "curl", "wget"}
)
BUILD_PACKAGES = ("pip", "setuptools", "wheel", "pkg_resources", "ensurepip")
PATHS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "opt/aks-access/bin")
LIBRARIES = ("usr/lib", "usr/local/lib", "opt/aks-access/lib")


def files(top: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for directory, names, plain in os.walk(top):
        for name in (*names, *plain):
            path = Path(directory, name)
            yield path, path.lstat()


def site_packages(image: Image) -> Path:
    [found] = image.home.glob("lib/python3.*/site-packages")
    return found


def installed(image: Image) -> dict[str, str]:
    """Every distribution of the whole image, by name; the same twice is an error of its own."""
    places = {path.parent for library in LIBRARIES for path in metadata(image.root / library)}
    found: list[Distribution] = list(distributions(path=[str(place) for place in places]))
    named = {canonicalize_name(each.name): each.version for each in found}
    assert len(named) == len(found)
    return named


def metadata(library: Path) -> Iterator[Path]:
    for pattern in ("*.dist-info", "*.egg-info"):
        yield from library.rglob(pattern)


def pinned(image: Image) -> dict[str, str]:
    """What the lock file has for Linux and the image's Python."""
    version = site_packages(image).parent.name.removeprefix("python")
    here = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    lines = LOCK.read_text().replace("\\\n", "").splitlines()
    wanted = [Requirement(line.partition(" --hash")[0]) for line in lines if line[:1].isalnum()]
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate(here)
    }


def project() -> Mapping[str, str]:
    found: Mapping[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def test_every_distribution_is_pinned(image: Image) -> None:
    found = installed(image)
    assert found.pop(OURS) == project()["version"]
    assert found == pinned(image)


def test_the_sbom_lists_the_same(image: Image) -> None:
    bom = image.sbom
    assert bom["bomFormat"] == "CycloneDX"
    root = bom["metadata"]["component"]
    assert (root["name"], root["version"]) == (OURS, project()["version"])
    listed = {canonicalize_name(each["name"]): each["version"] for each in bom["components"]}
    assert listed == {name: it for name, it in installed(image).items() if name != OURS}
    assert {each["purl"] for each in bom["components"]} == {
        f"pkg:pypi/{name}@{version}" for name, version in listed.items()
    }


def test_no_build_tools(image: Image) -> None:
    programs = {each.name for path in PATHS for each in (image.root / path).glob("*")}
    assert not {name for name in programs if name.split("-")[0] in BUILD_TOOLS}
    assert {each.name for each in (image.home / "bin").iterdir()} >= {"aks-access", "python"}
    assert not [
        path
        for library in LIBRARIES
        for name in BUILD_PACKAGES
        for path in (image.root / library).rglob(name)
        if path.is_dir()
    ]
    assert not list((image.root / "usr").rglob("*.whl"))


def test_no_tests(image: Image) -> None:
    found = {path for path, _ in files(image.home) if path.suffix in ("", ".py", ".pyc")}
    assert not [path for path in found if path.name == "tests" or path.name.startswith("test_")]
    assert not [path for path in found if path.name == "fakes"], "the engine's seams, for tests"
    assert not (image.root / "source").exists()


def test_nothing_is_the_users_to_change(image: Image) -> None:
    """But for the base's scratch directories, which a pod mounts read-only as all the rest."""
    loose = [
        str(path.relative_to(image.root))
        for path, it in files(image.root)
        if stat.S_ISREG(it.st_mode) or stat.S_ISDIR(it.st_mode)
        if USER in (it.st_uid, it.st_gid) or it.st_mode & stat.S_IWOTH
    ]
    assert set(loose) <= {"tmp", "var/tmp", "run/lock"}


def test_nothing_gives_rights(image: Image) -> None:
    rights = stat.S_ISUID | stat.S_ISGID
    assert not [
        path for path, it in files(image.root) if stat.S_ISREG(it.st_mode) and it.st_mode & rights
    ]


def test_all_of_it_is_compiled(image: Image) -> None:
    """Nobody can write bytecode later, and without it a start costs twice the time."""
    sources = [path for path, _ in files(site_packages(image)) if path.suffix == ".py"]
    [tag] = {path.suffixes[0] for path in site_packages(image).rglob("*.pyc")}
    assert len(sources) > 1000
    bare = [
        path
        for path in sources
        if not (path.parent / "__pycache__" / f"{path.stem}{tag}.pyc").exists()
    ]
    assert not bare
    standard = (image.root / "usr").rglob(f"asyncio/__pycache__/base_events{tag}.pyc")
    assert list(standard), "the standard library as well"


def test_authorities_are_there(image: Image) -> None:
    assert "BEGIN CERTIFICATE" in (image.root / "etc/ssl/certs/ca-certificates.crt").read_text()


def test_size(image: Image, figure: figures.Record) -> None:
    def size(top: Path) -> int:
        return sum(it.st_size for _, it in files(top) if stat.S_ISREG(it.st_mode))

    environment, whole = size(image.home), size(image.root)
    figure(
        f"image {whole / 1e6:.0f} MB, of that the environment {environment / 1e6:.0f} MB "
        f"(limit {LIMIT / 1e6:.0f} MB)"
    )
    assert environment < LIMIT


@pytest.mark.parametrize("path", ["kubernetes/client", "kubernetes/aio/client"])
def test_generated_classes_are_left_out(image: Image, path: str) -> None:
    for part in ("api", "models"):
        modules = (site_packages(image) / path / part).glob("*.py")
        assert [each.name for each in modules] == ["__init__.py"]
