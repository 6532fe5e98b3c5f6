"""The small tables that the embedded default needs; their origin is in README.md beside them."""
