"""What container runtimes and the cluster know of containers, told in the stream before their events."""

from collectors.inventory.described import DescribedSource
from collectors.inventory.settings import where
from collectors.inventory.sources import Sources

__all__ = ["DescribedSource", "Sources", "where"]
