"""``tracetide overhead``: what being watched costs a workload, measured on the spot."""
