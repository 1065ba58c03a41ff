"""One servicer for each service of the contract: decode, ask the pipeline, encode."""
