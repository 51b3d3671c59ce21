"""The room that takes model files in: told by content, copied and digested before anything opens them."""

from vetgate.artifacts.cards import CardSource, find_card, missing_card
from vetgate.artifacts.draft import draft_card
from vetgate.artifacts.vault import Vault, recognised_as, require_file

__all__ = ["CardSource", "Vault", "draft_card", "find_card", "missing_card", "recognised_as", "require_file"]
