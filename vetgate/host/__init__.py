"""The room that finds plugins: each entry point is loaded alone, so that one broken plugin stops nothing else."""

from vetgate.host.registry import Host, Kind, Offer, Plugin, Status, find_plugins

__all__ = ["Host", "Kind", "Offer", "Plugin", "Status", "find_plugins"]
