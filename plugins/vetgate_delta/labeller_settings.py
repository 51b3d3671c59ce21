"""What a user may set of the labeller: on the command line, else in the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from vetgate.api import UsageError

NAME = "openai-compatible"
SETTINGS = {
    "base-url": "address up to and without /chat/completions, such as https://api.openai.com/v1",
    "model": "the model's name, as the endpoint calls it",
    "key-env": "NAME of the environment variable that holds the key; without it no key is sent",
    "timeout": "seconds that one request may take in all (60)",
    "most-requests": "requests at most in one run, retries included (20)",
    "most-cost": "money at most in one run, in the currency of the prices; needs price-in and price-out",
    "price-in": "price of a million tokens read",
    "price-out": "price of a million tokens written",
    "retries": "how often a request is sent again that met 429, a 5xx or a broken connection (2)",
    "batch": "pictures a request (8)",
    "limit-field": "what the endpoint calls its limit of tokens: max_tokens, or max_completion_tokens (max_tokens)",
}
PREFIX = "VETGATE_LABELLER_"
"""Of the environment variables that stand in: VETGATE_LABELLER_BASE_URL for base-url."""
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True)
class Settings:
    """One labeller's settings, all believable."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 60.0
    """Seconds a request, in all."""
    most_requests: int = 20
    most_cost: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    """Of a million tokens, likewise `price_in`."""
    retries: int = 2
    batch: int = 8
    limit_field: str = LIMIT_FIELDS[0]

    @property
    def host(self) -> str:
        """Return host and port, for the report."""
        return urlsplit(self.base_url).netloc

    @property
    def local(self) -> bool:
        """Return whether the endpoint is on this machine."""
        return _is_this_machine(urlsplit(self.base_url).hostname or "")


def read_settings(given: Mapping[str, str], environment: Mapping[str, str] | None = None) -> Settings:
    """Return settings from the command line, else from the environment.

    Raises:
        UsageError: One is unknown, missing or bad.
    """
    environment = os.environ if environment is None else environment
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise UsageError(f"labeller {NAME!r} has no setting {unknown[0]!r}", hint=f"it takes {', '.join(SETTINGS)}")
    stand_in = {name: environment.get(PREFIX + name.upper().replace("-", "_"), "") for name in SETTINGS}
    told = {name: value for name, value in (stand_in | dict(given)).items() if value}
    for name in ("base-url", "model"):
        if name not in told:
            variable = PREFIX + name.upper().replace("-", "_")
            raise UsageError(f"labeller {NAME!r} needs {name} ({SETTINGS[name]})", hint=f"give it, or set {variable}")
    key = _key(told.get("key-env", ""), environment)
    settings = Settings(
        base_url=_address(told["base-url"], key),
        model=_model(told["model"]),
        key=key,
        timeout=_number(told, "timeout", 60.0, least=0.1, most=600.0),
        most_requests=_whole(told, "most-requests", 20, least=1, most=10_000),
        most_cost=_price(told, "most-cost"),
        price_in=_price(told, "price-in"),
        price_out=_price(told, "price-out"),
        retries=_whole(told, "retries", 2, least=0, most=10),
        batch=_whole(told, "batch", 8, least=1, most=64),
        limit_field=_limit_field(told.get("limit-field", LIMIT_FIELDS[0])),
    )
    if settings.most_cost is not None and (settings.price_in is None or settings.price_out is None):
        raise UsageError(f"labeller {NAME!r}: most-cost needs price-in and price-out, the prices of a million tokens")
    return settings


def _address(text: str, key: str) -> str:
    """Return an address that may be asked; a key never crosses a network in the clear."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in ("http", "https") or not host or not plain or parts.query or parts.fragment:
        raise UsageError(f"labeller {NAME!r}: base-url {text!r} is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"labeller {NAME!r}: base-url holds a user name or password", hint="put the key in key-env")
    if key and parts.scheme == "http" and not _is_this_machine(host):
        raise UsageError(
            f"labeller {NAME!r}: the key would go to {host} unencrypted", hint="use an https address, or no key"
        )
    return text.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key(variable: str, environment: Mapping[str, str]) -> str:
    if not variable:
        return ""
    key = environment.get(variable, "").strip()
    if not key:
        # the message never quotes what was given: a user may have pasted the key itself
        raise UsageError(
            f"labeller {NAME!r}: key-env names an environment variable that is not set",
            hint="give the NAME of the variable, not the key",
        )
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"labeller {NAME!r}: the key holds characters that no header can carry")
    return key


def _model(text: str) -> str:
    if not text.isprintable() or len(text) > 200:
        raise UsageError(f"labeller {NAME!r}: model {text[:40]!r} is no name of a model")
    return text


def _limit_field(text: str) -> str:
    if text not in LIMIT_FIELDS:
        raise UsageError(f"labeller {NAME!r}: limit-field is {text!r}, but must be {' or '.join(LIMIT_FIELDS)}")
    return text


def _number(told: Mapping[str, str], name: str, default: float, *, least: float, most: float) -> float:
    text = told.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UsageError(f"labeller {NAME!r}: {name} is {text!r}, but must be from {least:g} to {most:g}")
    return value


def _whole(told: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    value = _number(told, name, default, least=least, most=most)
    if value != int(value):
        raise UsageError(f"labeller {NAME!r}: {name} is {told[name]!r}, but must be a whole number")
    return int(value)


def _price(told: Mapping[str, str], name: str) -> float | None:
    return _number(told, name, 0.0, least=0.0, most=1e9) if name in told else None
