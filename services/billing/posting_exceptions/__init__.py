"""Posting exception: an event that could not be posted, waiting for a person with its reason and age."""
