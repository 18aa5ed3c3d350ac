"""Programs that atheris feeds with whatever it thinks up: one module each, and one test that runs them all.

By hand and for as long as you like: ``python -m tests.fuzz.conditions -max_total_time=3600``.
"""
