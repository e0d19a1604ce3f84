build_preset release
STEPWELL_BIN=$PWD/build/release/sidecar/stepwell run_pytest tests/size
