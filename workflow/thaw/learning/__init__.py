"""Networks: how they start, learn and are measured.

This code and `thaw.data` decide the numbers; keys digest both (`thaw.keys`).
"""
