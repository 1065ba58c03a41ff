"""What replicas tell each other, through Redis. Never on the path of a request."""
