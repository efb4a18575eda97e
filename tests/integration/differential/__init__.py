"""The oracle: the same bytes to PostgreSQL and to the proxy must bring the same replies, message by message."""
