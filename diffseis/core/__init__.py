"""The vocabulary of the house: units, frames, tables, records, safe functions, padding, grids, interpolation."""
