"""What the integration tests stand on: a throw-away PostgreSQL, the proxy, and a raw protocol client."""
