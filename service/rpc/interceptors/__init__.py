"""What surrounds every call: who calls, until when, and how it ended."""
