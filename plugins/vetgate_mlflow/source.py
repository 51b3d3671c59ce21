"""Fetches registered models and files of runs. What MLflow itself would load or import of them is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vetgate.api import FetchContext, FetchedFile, UnreadableArtifact, UsageError
from vetgate_mlflow.client import address, asking, connect
from vetgate_mlflow.flavour import choose_file
from vetgate_mlflow.names import RegisteredName, RunName, parse_name
from vetgate_mlflow.store import Entry, Store, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

HUB = ("preprocessor_config.json", "config.json")
"""Files that make a card, whatever the model beside them is called."""


@dataclass(frozen=True)
class MlflowSource:
    """Implements ArtifactSource."""

    def fetch(self, name: str, context: FetchContext) -> FetchedFile:
        """Fetch the model of a name; see vetgate.api.ArtifactSource."""
        parsed = parse_name(name)
        client = connect()
        if isinstance(parsed, RegisteredName):
            return _fetch_version(name, parsed, client, context)
        return _fetch_of_run(name, parsed, client, context)


def _fetch_version(name: str, parsed: RegisteredName, client: MlflowClient, context: FetchContext) -> FetchedFile:
    version = find_version(name, parsed, client)
    with asking(name):
        uri = client.get_model_version_download_uri(version.name, version.version)
    facts = {"name": version.name, "version": str(version.version)}
    facts |= {"alias": parsed.alias} if parsed.alias is not None else {}
    facts |= {"run": version.run_id} if version.run_id else {}
    store = open_store(name, uri)
    return _fetched(store, store.entries(context), parsed.file, facts, context)


def find_version(name: str, parsed: RegisteredName, client: MlflowClient) -> ModelVersion:
    """Return the version that a name stands for now.

    Raises:
        UsageError: There is none.
        Inconclusive: The server does not answer, or the version is not ready.
    """
    with asking(name):
        if parsed.alias is not None:
            version = client.get_model_version_by_alias(parsed.name, parsed.alias)
        else:
            version = client.get_model_version(parsed.name, str(parsed.version))
    if version.status != "READY":
        raise UnreadableArtifact(f"{name}: version {version.version} is not ready: {str(version.status)[:40]}")
    return version


def _fetch_of_run(name: str, parsed: RunName, client: MlflowClient, context: FetchContext) -> FetchedFile:
    with asking(name):
        run = client.get_run(parsed.run_id)
    store = open_store(name, run.info.artifact_uri)
    facts = {"run": run.info.run_id, "artifact": parsed.path}
    entries = store.entries(context, parsed.path)
    if entries or not parsed.path:
        return _fetched(store, entries, parsed.file, facts, context, parsed.path)
    folder = str(PurePosixPath(parsed.path).parent)
    folder = "" if folder == "." else folder
    beside = store.beside(folder)
    if parsed.file is not None or parsed.path not in {entry.path for entry in beside}:
        raise UsageError(f"{name}: run {parsed.run_id} has no artifact {parsed.path!r}")
    file = PurePosixPath(parsed.path)
    own = [entry for entry in beside if _goes_with(PurePosixPath(entry.path), file)]
    return _fetched(store, own, file.name, facts, context, folder)


def _goes_with(other: PurePosixPath, model: PurePosixPath) -> bool:
    """Return whether a file beside a model's is its card or its data: one that shares its name, or a hub's."""
    return other.name.startswith(model.stem) or other.name in HUB


def _fetched(
    store: Store,
    entries: list[Entry],
    file: str | None,
    facts: dict[str, str],
    context: FetchContext,
    under: str = "",
) -> FetchedFile:
    store.fetch(entries, context)
    chosen = choose_file(store.name, context.folder / under, file, context.recognise)
    told = {key: value for key, value in facts.items() if value}
    return FetchedFile(chosen, {**told, "server": address()})
