"""Files (blobs): written once to a folder or an S3 bucket, known to the database by a row, read as a stream.

The bytes go to the store before the transaction that refers to them, and leave it after the one that lets go of
them; the row in `blobs` says which of the two is still to come (docs/adr/0026-blobs.md).
"""
