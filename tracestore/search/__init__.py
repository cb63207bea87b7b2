"""The search language over traces and spans: text → tree → text. Pure; the tree becomes SQL in `clickhouse.search_sql`.

The grammar and its meaning: docs/search.md.
"""
