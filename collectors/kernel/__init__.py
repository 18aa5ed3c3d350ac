"""The kernel as a source of events: programs loaded, their records decoded, what already ran listed."""

from collectors.kernel.hooks import EVENTS, HOOKS
from collectors.kernel.losses import Counts
from collectors.kernel.requirements import why_not
from collectors.kernel.source import KernelSource
from collectors.kernel.ways import way

__all__ = ["EVENTS", "HOOKS", "Counts", "KernelSource", "way", "why_not"]
