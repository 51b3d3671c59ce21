"""DELTA: a small network trained to be what the candidate lacks; its maps show where, and which concepts, it lost.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks" (XDELTA).
"""
