hiddenimports = ["multiolib"]
