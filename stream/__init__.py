"""The engine that turns events into detections, and its two runtimes."""
