"""Version 2: the queues say ordering key."""


def create(_: str) -> str:
    """The column that gives facts of one aggregate their order takes its name from what it is."""
    return """
alter table outbox rename column lane to ordering_key;
alter table inbox rename column lane to ordering_key;
"""
