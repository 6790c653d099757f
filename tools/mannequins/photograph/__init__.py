"""One picture: a person in a street, seen by a camera, painted and graded."""
