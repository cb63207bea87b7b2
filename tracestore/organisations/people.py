"""Accounts of people: made with a name that nobody has and a password that is none of the worst."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tracestore.errors import InvalidInput

MOST_NAME = 150


def create(name: object, password: str | None, email: str = "") -> User:
    """Makes a user; without a password they get in by login link only.

    Names differ by more than upper and lower case, so that nobody is taken for somebody else.

    Raises: InvalidInput, that names `username` or `password`.
    """
    given = User.normalize_username(name.strip()) if isinstance(name, str) else ""
    user = User(username=given, email=email)
    try:
        User.username_validator(given)
    except ValidationError:
        given = ""
    if not 0 < len(given) <= MOST_NAME:
        raise InvalidInput(
            f"username: expected 1 to {MOST_NAME} letters, digits and @ . + - _, without spaces.", field="username"
        )
    if User.objects.filter(username__iexact=given).exists():
        raise taken()
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise InvalidInput(f"password: {' '.join(error.messages)}", field="password") from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise taken() from None
    return user


def taken() -> InvalidInput:
    return InvalidInput("username: taken: expected another.", field="username")
