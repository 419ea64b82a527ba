hiddenimports = ["metkitlib"]
