"""The employer: from which account it pays, and under which references it pays over what it withholds."""
