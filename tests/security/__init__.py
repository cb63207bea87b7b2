"""Threats and what stands against them; `docs/security.md` says which test shows what."""
