from findlibs2._pyinstaller import collected

datas, binaries, hiddenimports = collected("gribjumplib")
module_collection_mode = "pyz+py"
