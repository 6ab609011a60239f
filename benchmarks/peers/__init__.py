"""Other systems, installed by package name on demand and measured beside ours in the same run."""
