"""Invented papers, true to Vietnamese layouts, with what stands on them, and ways to spoil them.

``corpus`` draws pages at 300 dpi with their text, fields and class; ``damage`` wears them in four
fixed levels; ``bad`` makes scans that should never reach the reader; ``errors`` counts letters.
``seeds`` says which were used for tuning. Damage parameters and seeds were fixed before anything
was tuned on them, and are not changed afterwards.
"""
