"""On-call: rules say what is wrong, alerts make incidents, incidents are told to people. docs/alerting.md."""
