"""Mutation tests: small defects are built into the library one at a time, and its tests must notice them."""
