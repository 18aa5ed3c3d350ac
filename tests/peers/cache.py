"""What was downloaded or built for the tests, kept from one run to the next."""

from pathlib import Path

CACHE = Path(__file__).parent.parent.parent / ".cache" / "peers"


def keep(made: Path, place: Path) -> None:
    """Move a folder that is complete to its place; another process may have made the same meanwhile."""
    try:
        made.rename(place)
    except OSError:
        if not place.exists():
            raise
