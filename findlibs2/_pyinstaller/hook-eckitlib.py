from findlibs2._pyinstaller import collected

datas, binaries, hiddenimports = collected("eckitlib")
module_collection_mode = "pyz+py"
