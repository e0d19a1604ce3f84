build_preset dev
run_ctest dev '^unit$'
