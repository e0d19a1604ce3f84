must cmake --preset dev >"$SW_RESULTS/cmake-dev.log"
must cmake --build build/dev --target sw_proto # the sources include what it generates
check "clang-tidy finds nothing" python tests/tidy/clangtidy.py
