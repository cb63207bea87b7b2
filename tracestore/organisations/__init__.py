"""Organisations: their projects, the people in them, and how more people come in.

What a role allows in a project says `tracestore.access`; here is who may change what about whom. Everything that
writes takes the acting person, or None for the operator at the command line, who may do all but leave an
organisation without an owner.
"""
