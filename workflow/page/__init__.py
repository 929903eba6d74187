"""What a person opens first: all results on one page."""
