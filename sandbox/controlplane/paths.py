"""Where the sandbox keeps what is costly to make, and under which environment Go runs."""

import os
import pwd
from pathlib import Path


def home() -> Path:
    """Return the user's home directory, also where HOME is unset or empty."""
    return Path(os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)


def cache_directory() -> Path:
    """Return ``$XDG_CACHE_HOME/aks-access-operator`` or the same under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "aks-access-operator"


def go_environment() -> dict[str, str]:
    """Return this process's environment, less what would make builds differ between machines.

    No C compiler, no flags or workspace of the user's, no toolchain that Go fetches by itself.
    The user's module and build caches stay in use.
    """
    fixed = {
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "HOME": str(home()),
    }
    inherited = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return {**inherited, **fixed}
