from findlibs2._pyinstaller import collected

datas, binaries, hiddenimports = collected("odclib")
module_collection_mode = "pyz+py"
