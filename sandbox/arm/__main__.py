"""`python -m sandbox.arm`: the emulator as a process.

Prints one line of JSON (`url`, `control_url`, `ca_file`, `pid`) when it is ready, leaves the same
in `endpoints.json` of its state directory, and runs until a signal.
"""

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path

from sandbox.arm.app import ENDPOINTS_FILE, ArmEmulator


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.arm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="HTTPS port (0: any free one)")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control API")
    parser.add_argument("--state-dir", type=Path, help="where CA, key and endpoints are written")
    parser.add_argument(
        "--operation-seconds", type=float, default=3.0, help="length of a cluster's operations"
    )
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    emulator = ArmEmulator(
        state_dir=arguments.state_dir,
        port=arguments.port,
        control_port=arguments.control_port,
        operation_seconds=arguments.operation_seconds,
    )
    async with emulator as arm:
        ready: dict[str, str | int] = {
            "url": arm.url,
            "control_url": arm.control_url,
            "ca_file": str(arm.ca_file.resolve()),
            "pid": os.getpid(),
        }
        _leave(ready, directory=arm.state_dir)
        print(json.dumps(ready), flush=True)
        await stop.wait()


def _leave(ready: dict[str, str | int], *, directory: Path) -> None:
    """Write the file in one step: who waits for it never reads a part."""
    partial = directory / f".{ENDPOINTS_FILE}"
    partial.write_text(json.dumps(ready))
    partial.rename(directory / ENDPOINTS_FILE)


def main() -> None:
    """Run the emulator until told to stop."""
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
