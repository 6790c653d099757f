"""PG², PN-GAN, PATN and DG-Net, written anew after their papers and official code, and trained by one loop.

Each method is a file: its options with two presets (``small`` for two CPU cores, ``paper`` for a GPU), its network and
its objective. :mod:`~momi_lib.rivals.methods` lists them, :mod:`~momi_lib.rivals.loop` trains them.
"""
