from findlibs2._pyinstaller import collected

datas, binaries, hiddenimports = collected("atlaslib_ecmwf")
module_collection_mode = "pyz+py"
