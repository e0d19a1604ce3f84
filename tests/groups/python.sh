build_preset dev
export STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell
client=clients/python
check "ruff finds nothing" ruff check -q "$client"/{src,tests,generate}
check "ruff formats nothing" ruff format -q --check "$client"/{src,tests,generate}
check "mypy --strict finds nothing" mypy --config-file "$client/pyproject.toml" "$client/src/stepwell"
run_pytest "$client/tests"
if [ -x build/venv-oldest/bin/python ] && [ "$SW_QUICK" != 1 ]; then
    echo "once more with the oldest libraries it takes"
    PATH=$PWD/build/venv-oldest/bin:$PATH run_pytest "$client/tests"
fi
