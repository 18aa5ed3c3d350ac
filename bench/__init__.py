"""What tracetide costs, as ratios against the bare cost, measured side by side in one run."""
