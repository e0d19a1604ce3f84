build_preset dev
run_ctest dev '^integration$'
if has_pytests tests/integration; then
    STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell run_pytest tests/integration
fi
