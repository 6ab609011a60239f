"""Databases made by earlier releases, which this one must migrate and serve: `dumps/` and what their API answered.

`make_dump.py` says how the next release adds its own, `test_upgrade.py` what must hold of all of them.
"""
