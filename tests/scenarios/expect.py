"""Writes into each scenario what is found in it now: ``python -m tests.scenarios.expect``."""

import json

from tests.scenarios import SCENARIOS, detections, recorded, told

for scenario in SCENARIOS:
    found = [told(detection) for detection in detections(recorded(scenario))]
    (scenario / "expected.json").write_text(json.dumps(found, indent=2) + "\n")
