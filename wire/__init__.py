"""The shapes that travel between the parts of tracetide, and how they are written down."""
