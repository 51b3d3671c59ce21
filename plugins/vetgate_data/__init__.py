"""Data sources of vetgate: folders, archives, arrays and tables of 8-bit images.

Two rules hold for all of them. Where a data set comes with a training and a test part, the test part is read. And
every image of the source takes part: what cannot be decoded is counted and named by whoever reads it, never dropped.
"""
