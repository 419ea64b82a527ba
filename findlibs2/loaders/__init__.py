"""Beliefs of programs: where each loader looks, and what it takes. Pure: what is on disk arrives as values."""
