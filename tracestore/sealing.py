"""Encryption of what the database must not tell: one key for each purpose, derived from the installation's secret key.

Fernet (AES-128-CBC with HMAC-SHA256) under a key from HKDF (RFC 5869), so that what was sealed for one purpose opens
nothing of another. Under another secret key nothing opens; who seals must have an answer for that.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(8)
def box(secret_key: str, purpose: bytes) -> Fernet:
    """Kept, since deriving the key takes longer than sealing."""
    derived = HKDF(SHA256(), 32, salt=None, info=purpose).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
