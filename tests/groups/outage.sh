# The release binary: a sanitizer's memory says nothing about ours.
build_preset release
STEPWELL_BIN=$PWD/build/release/sidecar/stepwell SW_TEST_TIMEOUT=1150 \
    run_pytest -s tests/crash/test_outage.py
