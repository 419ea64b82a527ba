hiddenimports = ["gribjumplib"]
