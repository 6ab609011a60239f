"""What the HTTP edge does for speed alone; without it every answer is the same."""
