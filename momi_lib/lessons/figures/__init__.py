"""Figures of the notebooks, of single pictures, grids, diagrams, scores and studies."""
