"""The commands by name, in the order in which help shows them. A new one is a module and a line here."""

COMMANDS = {
    "run": "tracetide.commands.run:run",
    "collect": "tracetide.commands.collect:collect",
    "stream": "tracetide.commands.stream:stream",
    "forward": "tracetide.commands.forward:forward",
    "dead": "tracetide.commands.dead:dead",
    "notify": "tracetide.commands.notify:notify",
    "route": "tracetide.commands.route:route",
    "silence": "tracetide.commands.silence:silence",
    "record": "tracetide.commands.record:record",
    "replay": "tracetide.commands.replay:replay",
    "rules": "tracetide.commands.rules:rules",
    "setup": "tracetide.commands.setup:setup",
    "overhead": "tracetide.commands.overhead:overhead",
    "doctor": "tracetide.commands.doctor:doctor",
    "demo": "tracetide.commands.demo:demo",
}
