"""Counts and ratios of findlibs2 beside findlibs 0.1.3, on published wheels: `python -m benchmarks`. See README.md."""
