"""Mannequins: clothed people, rendered as a street camera would see them, with exact labels.

`python -m tools.mannequins --identities 1501 --out FOLDER --seed 0` writes the data set. Read the modules in this
order: mesh, body, attributes, clothes, hair, person, poses, things, cameras, backdrop, scene, renderer, picture,
labels, truth.
"""
