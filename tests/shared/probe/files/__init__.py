"""Files taken in and given back, with every way to fail in between."""
