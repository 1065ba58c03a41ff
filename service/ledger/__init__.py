"""What calls and attempts came to: taken in, kept in SQLite or Redis, and asked about."""
