"""Programs that try to break out, to see for oneself whether the sandbox holds on one's own machine."""
