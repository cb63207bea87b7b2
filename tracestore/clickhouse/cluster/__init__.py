"""The store on several machines: where each relation lives, and the schema and settings that follow from it.

Everything here is made from the same numbered files as the store on one machine (docs/adr/0010-cluster.md).
"""
