"""Brings what matters to the team it concerns: routes, groups, silences, owners, messages, receivers."""
