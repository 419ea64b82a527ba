hiddenimports = ["fdb5lib"]
