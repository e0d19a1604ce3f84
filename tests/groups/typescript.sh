# The tests use dist, which must be what src gives.
build_preset dev
export STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell
cd clients/typescript || exit 1
check "biome and tsc find nothing" npm run --silent lint
export NODE_OPTIONS="--test-reporter=spec --test-reporter-destination=stdout \
--test-reporter=junit --test-reporter-destination=$SW_RESULTS/node.xml"
npm test --silent || bad=1
