"""Where answers are kept: in memory, and in the Redis that replicas share."""
