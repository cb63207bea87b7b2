"""The audit log: who did what that matters, and from where. Rows are only ever added.

`dashboard.audit_trail` records every request that changes something. What is no request (a command, a login, a
job) calls `record` itself.
"""

from tracestore.audit.actions import ACTIONS
from tracestore.audit.log import Actor, Doing, acting, concerns, nothing_done, record

__all__ = ("ACTIONS", "Actor", "Doing", "acting", "concerns", "nothing_done", "record")
