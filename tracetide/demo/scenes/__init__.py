"""The demo in the order in which it happens. A new scene: a file beside the others, and its name here."""

from tracetide.demo.scenes import (
    binary_written,
    dropped_binary,
    ordinary,
    password_read,
    reverse_shell,
    web_shell,
)
from tracetide.demo.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (
    ordinary.OPENING,
    web_shell.SCENE,
    dropped_binary.SCENE,
    ordinary.BETWEEN,
    reverse_shell.SCENE,
    password_read.SCENE,
    binary_written.SCENE,
    ordinary.CLOSING,
)
ATTACKS = tuple(scene for scene in SCENES if scene.rules)
