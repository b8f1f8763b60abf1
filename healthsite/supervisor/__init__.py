"""Run the whole site on one machine: what `make run` starts, watches and stops.

Standard library only: `bootstrap.py` uses it before anything is installed.
"""
