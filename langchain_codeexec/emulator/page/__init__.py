"""The emulator's page: what came in and what was answered, live, in a browser on this machine.

`journal` records the exchanges (bounded, and only once somebody looks), `exchanges` takes them apart, `details`
and `copying` make what the page shows and copies, `routes` serves all that beside the files in `static`.
"""

from __future__ import annotations

__all__ = ["PREFIX"]

PREFIX = "/__emulator__"
"""Path that the emulator's own routes are below; the service has none there."""
