"""Codes as an app on a phone shows them (RFC 6238: SHA-1, six digits, thirty seconds)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

from django.test import Client


def code(secret: str, at: float | None = None) -> str:
    counter = int(time.time() if at is None else at) // 30
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def set_up(browser: Client, password: str) -> tuple[str, list[str]]:
    """Sets up a second factor as a person does; its secret and the recovery codes.

    The code that sets it up is the one before the present one, so that the present one is still unused.
    """
    browser.post("/settings/account/confirm/", {"password": password})
    page = browser.get("/settings/account/second-factor/on/").content.decode()
    secret = re.findall(r'class="secret">([A-Z2-7 ]+)<', page)[0].replace(" ", "")
    sent = {"code": code(secret, time.time() - 30)}
    codes = browser.post("/settings/account/second-factor/on/", sent, follow=True).content.decode()
    return secret, re.findall(r"<li><code>(\d{10})</code></li>", codes)
