"""From conditions to Python functions: look everything up, simplify for one kind of event, write source."""
