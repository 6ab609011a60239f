"""A billing document on paper (PDF) and as data (EN 16931 XML), and who it says the seller is.

The renderers (`pdf`, `xml`, `layout`, ...) are pure: no database, no web.
"""
