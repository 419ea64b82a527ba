hiddenimports = ["mirlib"]
