"""Widgets of the notebooks: the pose swap explorer and its parts."""
