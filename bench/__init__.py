"""Benchmarks against a peer or a limit in the same run: `make bench`, or `BENCH=name` for one of them.

Machines are noisy, so contestants take turns and each figure is a median. docs/benchmarks.md explains them.
"""
