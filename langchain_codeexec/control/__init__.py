"""In control of what runs: limits, policies, audit, cost and tracing of executions, wherever they run."""
