"""A billing document on paper (PDF) and as data (EN 16931 XML): pure renderers, no database, no web."""
