"""A Git repository on disk, as Argo CD and Flux read one."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_SETTINGS = ("user.name=somebody", "user.email=somebody@contoso.com", "commit.gpgsign=false")


class Repository:
    """A repository with one branch, `main`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        """Where to clone it from."""
        return f"file://{self.path}"

    def write(self, file: str, *documents: Mapping[str, Any]) -> None:
        """Put objects into a file, in place of what it held."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(list(documents)))

    def copy(self, source: Path, *, to: str = ".") -> None:
        """Take a directory over."""
        shutil.copytree(source, self.path / to, dirs_exist_ok=True)

    def replace(self, texts: Mapping[str, str]) -> None:
        """Replace texts in every YAML file."""
        for file in self.path.rglob("*.yaml"):
            text = file.read_text()
            for old, new in texts.items():
                text = text.replace(old, new)
            file.write_text(text)

    def remove(self, file: str) -> None:
        """Delete a file."""
        (self.path / file).unlink()

    def commit(self, message: str = "change") -> str:
        """Commit everything; returns the revision."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """Tag what was committed last."""
        self._git("tag", name)

    def _git(self, *arguments: str) -> str:
        settings = [part for each in _SETTINGS for part in ("-c", each)]
        done = subprocess.run(
            ["git", *settings, *arguments], cwd=self.path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
