"""Names everything alike, and misbehaves where a setting says so."""

from collections.abc import Mapping, Sequence

from vetgate.api import Inconclusive, UsageError


class AcmeLabeller:
    """Implements Labeller."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        unknown = sorted(set(settings) - {"word"})
        if unknown:
            raise UsageError(f"acme-names has no setting {unknown[0]!r}", hint="it has word")
        self._word = settings.get("word", "thing")

    @property
    def about(self) -> str:
        """Say who is asked."""
        return "acme, which always says the same"

    def name(self, images: Sequence[bytes], labels: Sequence[str]) -> tuple[str, ...]:
        """Return the word for each image."""
        match self._word:
            case "refuse":
                raise Inconclusive("acme has no words left")
            case "raise":
                raise ValueError("acme lost its voice")
            case "few":
                return ("one",)
        return tuple(f"{self._word} {len(image)}" for image in images)
