"""Rules for the commands that need them: loaded once, warnings shown, errors as sentences."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

import rules
from rules import RuleErrors, RuleSet
from tracetide.errors import CommandError
from tracetide.options import Matching


def load_rules(paths: Sequence[Path], *, library: bool = True, matching: Matching = "all") -> RuleSet:
    """The rules of ``paths`` on top of the library's; raises ``CommandError`` with every error found."""
    try:
        ruleset = rules.load(paths, library=library, matching=matching)
    except RuleErrors as errors:
        raise CommandError(f"the rules cannot be loaded\n{errors}") from errors
    for warning in ruleset.warnings:
        click.echo(f"warning: {warning}", err=True)
    return ruleset


def given_rules(paths: Sequence[Path], *, on_library: bool) -> RuleSet:
    """The rules of ``paths``, alone or on top of the library's; without paths the library's."""
    return load_rules(paths, library=on_library or not paths)


def rule_of(condition: str, option: str) -> RuleSet:
    """A rule of a condition that came with ``option``; raises ``CommandError`` with what is wrong with it."""
    rule = {
        "rule": "tracetide.events",
        "desc": "Events to choose",
        "output": "%evt.type",
        "priority": "DEBUG",
    }
    try:
        return rules.load_texts([(option, json.dumps([rule | {"condition": condition}]))])
    except RuleErrors as errors:
        raise CommandError(f"the condition of {option} cannot be used\n{errors}") from errors
