"""The fault laboratory: the whole suite as processes, faults at moments of our choosing, and a checker over the API.

Checked after every round, for each company (`history.py`): every order, payment and journal entry that its client
knows of is there, and no other; each shipped order has one invoice with its own totals, numbered without a gap; states,
payment status, stock, trial balance, sub-ledgers and timelines are as the client's own history says; an answer is the
same when its key is sent again; nothing is held back, dead or another company's.

`python -m tests.chaos --help` (or `make chaos ARGS=…`) runs rounds; `test_chaos.py` runs a few of them.
"""
