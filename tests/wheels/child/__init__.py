"""What the children of `run.py` may import. Standard library only, and as little of it as possible."""
