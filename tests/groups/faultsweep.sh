build_preset dev
export SW_TEST_TIMEOUT=600
run_ctest dev '^faultsweep$'
if has_pytests tests/faultsweep; then
    STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell run_pytest tests/faultsweep
fi
