"""The forms that a message takes: one module for each, and none lets an attacker's text be more than text."""
