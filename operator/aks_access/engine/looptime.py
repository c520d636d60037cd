"""The running loop's clock: seconds that never step, for delays within this process."""

import asyncio


def loop_time() -> float:
    """Seconds of the running event loop's clock."""
    return asyncio.get_running_loop().time()
