"""The embedded ClickHouse: one process that holds chDB and speaks ClickHouse's HTTP interface.

Nothing outside this package imports chdb. Start it with ``python -m tracestore.engine``.
"""
