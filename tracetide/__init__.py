"""The command line: the only place that wires the other parts together."""
