"""Approvals: something that one asks for and others decide on; done when the last of them has approved."""
