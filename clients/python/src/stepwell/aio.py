# SPDX-License-Identifier: Apache-2.0
"""The asyncio client. Everything without waiting in it is shared with `stepwell`."""

from stepwell._aio import Client, Run, StepContext, connect, current_step

__all__ = ["Client", "Run", "StepContext", "connect", "current_step"]
