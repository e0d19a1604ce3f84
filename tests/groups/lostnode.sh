# Over 1,000 nodes are lost with their disks; owners freeze and wake; then proof that the tests can fail.
build_preset dev
check "over 1,000 nodes lost, no promise broken" \
    python tests/crash/lost_node --cycles 1000 --seconds 600
check "100 nodes lost in front of a real S3 server, no promise broken" \
    python tests/crash/lost_node --cycles 100 --seconds 200 --s3
check "a sidecar that ships too late is found out" \
    python tests/crash/lost_node --cycles 200 --seconds 200 --late --expect-broken
SW_TEST_TIMEOUT=600 run_pytest tests/crash/test_owners.py

broken() { # NAME: builds without that promise
    must cmake --preset dev -DSW_BREAK="$1" -DSW_TESTS=OFF -B "build/break-$1" >/dev/null
    must cmake --build "build/break-$1" --target stepwell -- --quiet
    export STEPWELL_BIN=$PWD/build/break-$1/sidecar/stepwell
}
for name in EARLY_REMOTE EXISTS_IS_MINE; do
    broken $name
    check "a build with $name is found out by lost nodes" \
        python tests/crash/lost_node --cycles 200 --seconds 200 --expect-broken
done
check "claimants of a build with EXISTS_IS_MINE share slots, and that is found out" \
    env CLAIM_WAVES=4 bash -c "! python -m pytest -q -p no:cacheprovider \
        tests/crash/test_owners.py -k five_hundred >\$SW_RESULTS/broken.log"
