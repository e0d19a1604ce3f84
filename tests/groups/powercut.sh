build_preset dev
export SW_TEST_TIMEOUT=600
run_ctest dev '^powercut$'
if has_pytests tests/powercut; then
    STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell run_pytest tests/powercut
fi
