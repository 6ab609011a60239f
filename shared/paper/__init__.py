"""Paper: what a document is drawn with. A4 pages as PDF/A-3, letters of any script, tables, numbers by language.

Pure: no database, no web. fpdf2 and uharfbuzz take a moment to import, so whoever renders imports `sheet` when it does.
"""
