-- SQL users of one project on a ClickHouse server, told from their row policies (tracestore.clickhouse.reader_users).
SELECT DISTINCT substring(short_name, length('tracestore_') + 1), select_filter
FROM system.row_policies
WHERE database = 'tracestore' AND startsWith(short_name, 'tracestore_reader_')
