"""Networks, how they start, how they learn and how they are measured.

This code and that of `thaw.data` decide the numbers; keys digest both (`thaw.keys`).
"""
