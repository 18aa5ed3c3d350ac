"""A scene that was played and what was found of it."""

from dataclasses import dataclass, field

from tracetide.demo.scenes.scene import Scene
from wire.detection import Detection


@dataclass
class Act:
    """When a scene began, in nanoseconds since the epoch, what its actor saw, what the rules found since."""

    scene: Scene
    start: int
    seen: str = ""
    found: list[Detection] = field(default_factory=list)

    @property
    def caught(self) -> bool:
        """Whether one of the rules found something that should."""
        return any(self.tells(detection) for detection in self.found)

    @property
    def good(self) -> bool:
        """Whether an attack was caught, or ordinary work raised no alarm."""
        return self.caught if self.scene.rules else not self.found

    def tells(self, detection: Detection) -> bool:
        """Whether this is what had to be found here, and not just one more thing about it."""
        return detection.rule.name in self.scene.rules
