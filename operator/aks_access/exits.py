"""Exit codes, and which error ends with which."""

from enum import IntEnum

from aks_access.errors import AksAccessError, InputError, SettingsError, StartupError


class ExitCode(IntEnum):
    """What a command's exit says to scripts and to the kubelet."""

    OK = 0
    FAILED = 1  # something went wrong while it ran; of a check: it found something
    USAGE = 2  # a flag, a setting or an input is wrong
    UNREACHABLE = 3  # something that is needed is missing or cannot be reached
    HUNG = 70  # EX_SOFTWARE: the event loop hung past the Lease


def exit_code(error: AksAccessError) -> ExitCode:
    """The exit code that an expected error ends with."""
    match error:
        case SettingsError() | InputError():
            return ExitCode.USAGE
        case StartupError():
            return ExitCode.UNREACHABLE
        case _:
            return ExitCode.FAILED
