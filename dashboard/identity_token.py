"""Whether an ID token may be believed. OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

import hmac
from typing import Any, Final

import jwt

#: Signatures by a key pair. Never one that is made with a secret that we send elsewhere, and never none.
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
#: How far the clocks of two machines may differ.
LEEWAY_SECONDS: Final = 60


class InvalidToken(Exception):
    """The token is not for us, not from the issuer, too old, or made for another login."""


def claims(token: str, keys: Any, *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """What the issuer says of the person, after every check. `keys` is its JWK set.

    The signature is checked although the token came from the issuer itself: an answer that a proxy changed on the way
    must not decide who somebody is.

    Raises:
        InvalidToken: says which check failed; for logs, not for people.
    """
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise InvalidToken(f"signed by {algorithm!r}")
        found: dict[str, Any] = jwt.decode(
            token,
            key=key_of(keys, header.get("kid"), algorithm),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidToken(f"{type(error).__name__}: {error}") from error
    others = isinstance(found["aud"], list) and len(found["aud"]) > 1
    if (others or "azp" in found) and found.get("azp") != client_id:
        raise InvalidToken("made for another client")
    if not nonce or not hmac.compare_digest(str(found.get("nonce", "")).encode(), nonce.encode()):
        raise InvalidToken("the nonce is not the one of this login")
    if not isinstance(found["sub"], str) or not found["sub"]:
        raise InvalidToken("no subject")
    return found


def key_of(keys: Any, kid: str | None, algorithm: str) -> Any:
    """The key of the set with this id; without an id the only one that can sign so.

    Raises:
        InvalidToken: there is none, or several.
    """
    found = []
    for one in keys["keys"]:
        if one.get("use", "sig") != "sig" or (kid is not None and one.get("kid") != kid):
            continue
        if one.get("alg", algorithm) != algorithm:
            continue
        try:
            found.append(jwt.PyJWK(one, algorithm=algorithm))
        except jwt.PyJWTError:
            continue
    if len(found) != 1:
        raise InvalidToken(f"{len(found)} keys fit")
    return found[0].key
