"""A small English embedder that runs in this process: the extra `antiphon[local]` and a directory of weights."""
