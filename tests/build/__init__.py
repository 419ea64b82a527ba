"""Tiny writers of binary formats: any field, right or wrong, in one call."""
