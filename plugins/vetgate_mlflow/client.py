"""The one door to MLflow: who is asked, with whose credentials, and what its errors mean.

Addresses, users, passwords and tokens come from MLflow's own variables, which its client reads itself. What it says of
an error may quote them; nothing of them leaves this module.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vetgate.api import Inconclusive, UsageError, VetgateError, without_login

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI = "MLFLOW_TRACKING_URI"
SECRET = re.compile(r"(PASSWORD|TOKEN|SECRET|CREDENTIAL|ACCESS_KEY|API_KEY)", re.IGNORECASE)
_CREDENTIALS = (
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)
FEWEST_SIGNS = 4
"""Of a secret that is blotted out wherever it stands; a shorter one is part of ordinary words."""
_USUAL = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a gate tells nobody of its runs
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is for reports
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by itself it asks a dead server for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""Variables of MLflow that hold where the user has not set them."""
_LOGGERS = ("mlflow", "alembic", "urllib3", "sqlalchemy")
LONGEST = 400
"""Characters of what a server says that are quoted."""


def connect() -> MlflowClient:
    """Return a client of the server that the user's variables name; it is not asked yet.

    Raises:
        UsageError: They name none, and MLflow would make a store of its own in this folder.
        Inconclusive: It is none that the client can talk to.
    """
    require_named()
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is raised, and urllib3 quotes addresses
    with asking(f"the MLflow server at {address()}"):
        return MlflowClient()


def require_named() -> None:
    """Make sure that the user's variables name a server.

    Raises:
        UsageError: They do not.
    """
    if not os.environ.get(URI):
        raise UsageError("no MLflow server is named", hint=f"{URI}=http://HOST:5000, as for MLflow's own client")


def address() -> str:
    """Return where the server is, for people and reports: without user, password and query."""
    return public(os.environ.get(URI, ""))


def public(uri: str) -> str:
    """Return an address without user, password and query."""
    return without_login(uri).split("?")[0].split("#")[0]


def is_remote() -> bool:
    """Return whether the server is another process, whose paths mean nothing here."""
    return os.environ.get("MLFLOW_REGISTRY_URI", os.environ.get(URI, "")).startswith(("http:", "https:", "databricks"))


def is_elsewhere(uri: str) -> bool:
    """Return whether an address is that of another server than the one named, which must not get its credentials."""
    place = urlsplit(uri)
    if place.scheme not in ("http", "https", "mlflow-artifacts") or not place.netloc:
        return False
    named = (urlsplit(os.environ.get(name, "")).hostname for name in (URI, "MLFLOW_REGISTRY_URI"))
    return place.hostname not in {host for host in named if host}


def has_credentials() -> bool:
    """Return whether MLflow's client shows credentials to every server that it asks."""
    return any(os.environ.get(name) for name in _CREDENTIALS)


@contextmanager
def asking(what: str, *, named: bool = True) -> Iterator[None]:
    """Say in one sentence what went wrong with asking for something.

    Args:
        what: Is asked for, such as `models:/fashion/2`.
        named: Whether the user named it, so that it is their mistake where it does not exist.

    Raises:
        UsageError: It does not exist, or the server does not take such a name.
        Inconclusive: The server does not answer, refuses, or failed.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except VetgateError:
        raise
    except MlflowException as error:
        told = _clean(str(error))
        if named and error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise UsageError(f"{what}: {address()} says: {told}") from None
        if "failed with exception" in told:
            raise Inconclusive(
                f"{what}: the MLflow server at {address()} does not answer", hint=f"is it running, and is {URI} right?"
            ) from None
        raise Inconclusive(f"{what}: {address()} says: {told}", hint=_hint(error.error_code)) from None
    except Exception as error:  # its stores raise whatever their libraries do
        raise Inconclusive(f"{what}: {_clean(f'{type(error).__name__}: {error}')}") from None


def _hint(code: str) -> str:
    if code in ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
        return "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who asks"
    return ""


def _clean(text: str) -> str:
    """Return what a server or a library says without credentials, in one line."""
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= FEWEST_SIGNS:
            text = text.replace(value, "***")
    for name in (URI, "MLFLOW_REGISTRY_URI"):
        login = re.match(r"[a-z+]+://([^/]*)@", os.environ.get(name, ""))
        for part in login[1].split(":") if login is not None else ():
            text = text.replace(part, "***") if len(part) >= FEWEST_SIGNS else text
    return " ".join(without_login(text).split())[:LONGEST]
