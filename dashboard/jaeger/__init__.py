"""Jaeger's query API over Tracestore's spans, for Jaeger UI and Grafana's Jaeger data source (docs/jaeger.md)."""
