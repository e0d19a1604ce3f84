# The power is cut, and the disk fails, at every write and sync; then proof that the test can fail.
build_preset dev
powercut=build/dev/tests/crash/powercut
if [ "$SW_QUICK" = 1 ]; then
    check "the power cut, the disk failing, at every 20th write or sync" "$powercut" 1 20
else
    check "the power cut, the disk failing, at every write and sync" "$powercut" 1
    for broken in NORMAL_SYNC EARLY_ACK; do
        must cmake --preset dev -DSW_BREAK=$broken -B build/break-$broken >/dev/null
        must cmake --build build/break-$broken --target powercut -- --quiet
        check "broken build $broken is found out" \
            bash -c "! build/break-$broken/tests/crash/powercut 1 8"
    done
fi
