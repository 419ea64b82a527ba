from findlibs2._pyinstaller import collected

datas, binaries, hiddenimports = collected("fdb5lib")
module_collection_mode = "pyz+py"
