"""The brake: what an agent asks between two steps. Needs nothing but the standard library; docs/client.md.

`brake.py` works alone and may be copied. `langchain`, `openai_agents`, `pydantic_ai` and `crewai` put it into these
frameworks and are imported by who has them.
"""

from tracestore.client.brake import Brake, Halted, Verdict
from tracestore.client.stream import watch

__all__ = ["Brake", "Halted", "Verdict", "watch"]
