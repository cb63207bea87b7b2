"""Figures over many traces: by agent, tool, session, model and time. Each question is of one project and period."""
