"""Waves: finite differences and networks."""
