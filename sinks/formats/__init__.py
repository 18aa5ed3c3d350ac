"""A detection in the languages that destinations understand; each is a function of a detection."""
