"""The fault laboratory: the whole suite as processes, faults at moments of our choosing, and a checker of what came of it.

`python -m tests.chaos --help` (or `make chaos ARGS=…`) runs rounds; `test_chaos.py` runs a few of them.
"""
