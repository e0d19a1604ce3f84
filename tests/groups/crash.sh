# At least 500 kills, or in a quick run a taste; then proof that the test can fail.
build_preset dev
if [ "$SW_QUICK" = 1 ]; then
    check "killed at random and at fault points, no promise broken" \
        python tests/crash/run --kills 60 --seconds 120
else
    check "over 500 kills at random and at every fault point, no promise broken" \
        python tests/crash/run --kills 520 --seconds 600
    must cmake --preset dev -DSW_BREAK=EARLY_ACK -DSW_TESTS=OFF -B build/break-EARLY_ACK >/dev/null
    must cmake --build build/break-EARLY_ACK --target stepwell -- --quiet
    check "a build that acknowledges before it commits is found out" \
        env STEPWELL_BIN="$PWD/build/break-EARLY_ACK/sidecar/stepwell" \
        python tests/crash/run --kills 200 --seconds 300 --expect-broken
fi
