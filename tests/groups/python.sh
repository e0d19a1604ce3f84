build_preset dev
STEPWELL_BINARY=$PWD/build/dev/sidecar/stepwell run_pytest clients/python/tests
