"""Child processes in which documents are read and cut, and the pool that lends them out."""
