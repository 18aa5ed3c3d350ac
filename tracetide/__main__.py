"""``python -m tracetide`` is ``tracetide``."""

from tracetide.cli import main

main()
