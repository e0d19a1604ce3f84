# The tests use dist, which must be what src gives.
build_preset dev
export STEPWELL_BIN=$PWD/build/dev/sidecar/stepwell
cd clients/typescript || exit 1
check "biome and tsc find nothing" npm run --silent lint
export NODE_OPTIONS="--test-reporter=spec --test-reporter-destination=stdout \
--test-reporter=junit --test-reporter-destination=$SW_RESULTS/node.xml"
npm test --silent || bad=1

# As a stranger does it, in an empty folder: the library, its types and what they need.
installs_elsewhere() {
    local here=$PWD app status
    app=$(mktemp -d) || return
    (
        cd "$app" || exit
        echo '{"type": "module"}' >package.json
        echo 'import { connect } from "stepwell"; connect("127.0.0.1:1").close();' >a.ts
        npm install --silent --prefer-offline --install-links "$here" &&
            "$here/node_modules/.bin/tsc" --strict --module nodenext --target es2022 a.ts &&
            node a.js
    )
    status=$?
    rm -rf "$app"
    return $status
}
if [ "$SW_QUICK" != 1 ]; then
    check "an install into another folder works and has its types" installs_elsewhere
fi
