# At least 500 kills, or in a quick run a taste; proof that the test can fail; once more under
# ThreadSanitizer.
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
        python tests/crash/run --build break-EARLY_ACK --kills 200 --seconds 300 --expect-broken
    build_preset tsan
    check "over 100 kills of a sidecar under ThreadSanitizer, no promise broken, no race" \
        python tests/crash/run --build tsan --kills 120 --seconds 300
fi
