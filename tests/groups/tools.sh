build_preset dev
STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell run_pytest tests/tools
