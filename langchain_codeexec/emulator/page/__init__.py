"""The emulator's page: what came in and what was answered, live, in a browser on this machine.

`journal` remembers the exchanges (bounded), `watching` writes them down as they pass, `reading` takes them apart,
`details` and `copying` say what the page shows and copies, `events` tells it what changed, `routes` serves all
that beside the files in `static`.
"""

from __future__ import annotations

__all__ = ["PREFIX"]

PREFIX = "/__emulator__"
"""Path that the emulator's own routes are below; the service has none there."""
