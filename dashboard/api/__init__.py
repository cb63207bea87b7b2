"""The read API: HTTP in, JSON out. What it answers comes from `tracestore`; the contract is docs' and `/api/docs/`."""
