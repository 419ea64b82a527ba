"""What a child does to show that a library works: the same small job in every place."""

from __future__ import annotations

INSTALL = "import findlibs2.compat\nfindlibs2.compat.install()\n"
# Encodes a message, decodes what came of it.
GRIB = """
import warnings
warnings.filterwarnings("ignore", "ecCodes .* or higher is recommended")
import eccodes
def decoded():
    written = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    eccodes.codes_set(written, "paramId", 167)
    eccodes.codes_set_values(written, [280.0] * eccodes.codes_get_size(written, "values"))
    read = eccodes.codes_new_from_message(eccodes.codes_get_message(written))
    return [eccodes.codes_get(read, "shortName"), sorted(set(eccodes.codes_get_values(read).tolist()))]
"""
DECODED = ["2t", [280.0]]
# The same, and which library did it.
ECCODES = f"{GRIB}\nimport gribapi.bindings\ntell([decoded(), gribapi.bindings.library_path])"
