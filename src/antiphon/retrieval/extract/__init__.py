"""Bytes of a document in, plain text with headings and pages out; one file per kind."""
