"""The whole set: its plan, labels, true swaps, checks and card."""
