"""What `analysis` and `models` share without knowing each other: errors, files, blocks."""
