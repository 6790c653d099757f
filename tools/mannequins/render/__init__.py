"""Triangles and shaders: meshes drawn by OpenGL."""
