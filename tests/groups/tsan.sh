# No lock-order or race finding of our own code is suppressed; see tests/support/tsan.supp.
build_preset tsan
export SW_TEST_TIMEOUT=300 STEPWELL_TSAN=1
run_ctest tsan '^(unit|integration)$'
if has_pytests tests/integration; then
    STEPWELL_BIN=$PWD/build/tsan/sidecar/stepwell run_pytest tests/integration
fi
