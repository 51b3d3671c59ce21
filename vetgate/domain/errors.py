"""What can go wrong, as a tree; the command line turns a leaf into an exit code.

VetgateError
├── UsageError            2  the person who typed the command can mend it
│   ├── PolicyError          a policy that cannot be read or names what nobody measures
│   ├── CardError            a card that is missing, malformed or contradicts its model
│   ├── DataError            a data set that cannot be read or does not fit the models
│   └── YardstickError       a yardstick that cannot be read, or is of another reference or other data
├── Refused               1  an attestation does not vouch for what it was held against
└── Inconclusive          3  the file exists, but nothing could be measured
    ├── UnreadableArtifact   empty, truncated, renamed, of no known format, or refused by its loader
    ├── MissingExtra         the package that would measure it is not installed
    ├── Unsafe            1  the scan found what must not be opened
    ├── WallMissing          isolation is required, and a wall around the child could not be put up
    └── WorkerFailed         the child process crashed, hung, ran out of memory or answered nonsense
"""


class VetgateError(Exception):
    """One clear sentence about whose what is wrong, and the next thing to do.

    Args:
        message: What is wrong with whose what, with the values that disagree.
        hint: The next command or edit; empty when there is none.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def sentence(self) -> str:
        """Both on one line, for a list of what is wrong."""
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(VetgateError):
    """A path that does not exist, a bad option, policy, card or data set."""


class PolicyError(UsageError):
    """A policy that cannot be read, or that asks for what nobody measures."""


class CardError(UsageError):
    """A card that is missing, malformed, or contradicts its model or another card."""


class DataError(UsageError):
    """A data set that cannot be read or does not fit the models."""


class YardstickError(UsageError):
    """A yardstick that cannot be read or measured with, or that is of another reference or other data."""


class Inconclusive(VetgateError):
    """The file exists, but it cannot be read, run or measured."""


class Refused(VetgateError):
    """An attestation does not vouch for what it was held against: one sentence says what differs.

    Args:
        cause: Which of its parts is wrong, in one word for machines, such as `model` or `signature`.
        message: What is wrong with whose what.
        hint: The next command or edit; empty when there is none.
    """

    def __init__(self, cause: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.cause = cause


class UnreadableArtifact(Inconclusive):
    """An artifact that is empty, truncated, renamed, of no known format, or refused by its loader."""


class MissingExtra(Inconclusive):
    """A plugin's own library is not installed."""


class Unsafe(Inconclusive):
    """The scan of a model found something at or over the limit, so it was not opened."""


class WallMissing(Inconclusive):
    """Isolation is required, and a wall around the child could not be put up."""


class WorkerFailed(Inconclusive):
    """The child process that held a model crashed, hung, ran out of memory or answered nonsense."""


class UnreadableImage(Exception):
    """One image of a data set cannot be decoded; counted and named, never dropped in silence."""
