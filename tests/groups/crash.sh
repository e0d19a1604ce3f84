build_preset dev
export SW_TEST_TIMEOUT=600
run_ctest dev '^crash$'
if has_pytests tests/crash; then
    STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell run_pytest tests/crash
fi
