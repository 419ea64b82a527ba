hiddenimports = ["odclib"]
