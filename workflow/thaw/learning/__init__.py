"""Networks, how they start, how they learn and how they are measured.

What is here and in `thaw.data` decides the numbers, so keys digest it: see `thaw.keys`.
"""
