"""Bytes in, facts out. No file is opened here."""
