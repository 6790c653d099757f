"""The body, its build, its poses and how it walks."""
