"""Where they stand: streets, walls, things, passers-by and cameras."""
