"""Writing a file of a working tree whole or not at all."""

import os
import tempfile
from pathlib import Path
from typing import Final

from aks_access.errors import InputError

_NEW_MODE: Final = 0o644


def replace(file: Path, text: str) -> None:
    """Write the file; one that was there keeps its mode. Raises InputError."""
    try:
        mode = file.stat().st_mode if file.exists() else _NEW_MODE
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "wb") as new:
            new.write(text.encode(errors="surrogateescape"))
        os.chmod(name, mode)
        os.replace(name, file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}.") from error
