"""What happened in the demo and what was found of it, whether it is played now or was recorded."""

import asyncio
from dataclasses import dataclass, field

from tracetide.demo.act import Act
from tracetide.demo.scenes.scene import Scene
from tracetide.demo.story import Story
from wire.batch import Batch
from wire.detection import Detection
from wire.event import Loss


@dataclass
class Performance:
    """The acts so far. ``changed`` is set by every batch, for those who wait for something to be found."""

    story: Story
    acts: list[Act] = field(default_factory=list)
    events: int = 0
    lost: int = 0
    elsewhere: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def good(self) -> bool:
        """Whether every attack was caught and nothing else raised an alarm."""
        return all(act.good for act in self.acts)

    def begin(self, scene: Scene, start: int) -> Act:
        """Raise the curtain for a scene."""
        act = Act(scene, start)
        self.acts.append(act)
        self.story.begin(act)
        return act

    def see(self, seen: str) -> None:
        """Let the actor see something."""
        self.acts[-1].seen = seen
        self.story.see(self.acts[-1])

    def end(self) -> None:
        """Let the curtain fall."""
        self.story.end(self.acts[-1])

    def close(self, seconds: float) -> None:
        """Sum up."""
        seen = f"{self.events:,} events seen, {self.lost:,} lost; {seconds:.1f} seconds"
        self.story.close(self.acts, seen, self.elsewhere)

    def count(self, batch: Batch) -> None:
        """Take note of what came from the source, whatever is found in it."""
        for event in batch.events:
            if isinstance(event, Loss):
                self.lost += sum(event.counts.values())
            else:
                self.events += 1
        self.story.progress(f"{self.events:,} events seen, {self.lost:,} lost")
        self.changed.set()

    def find(self, detection: Detection) -> None:
        """Put a detection down to the act in whose time its event was, and show it."""
        act = next((act for act in reversed(self.acts) if act.start <= detection.time), None)
        if act is None:
            self.elsewhere += 1
            return
        first = not act.caught
        act.found.append(detection)
        self.story.find(detection, whole=not act.scene.rules or (first and act.tells(detection)))
