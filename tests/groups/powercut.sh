# The power is cut, and the disk fails, at every write and sync; then proof that the test can fail.
build_preset dev
powercut=build/dev/tests/crash/powercut

# The cuts and the failures side by side; both are waited for.
verbs() { # PROGRAM STEP
    local power failed=0
    "$1" 1 "$2" power &
    power=$!
    "$1" 1 "$2" errors || failed=1
    wait $power && [ $failed -eq 0 ]
}

# A bit flips at each byte of a journal's file, and of a WAL. What is tried is in memory: it says
# nothing about the disk.
bitrot() { # STEP
    local one two failed=0
    local bitrot=(env TMPDIR=/dev/shm build/dev/tests/crash/bitrot)

    "${bitrot[@]}" file $((2 * $1)) 0 &
    one=$!
    "${bitrot[@]}" file $((2 * $1)) "$1" &
    two=$!
    "${bitrot[@]}" wal "$1" || failed=1
    wait $one || failed=1
    wait $two || failed=1
    return $failed
}

check "a restore: the power cut behind each sync and rename" ${powercut}_restore
if [ "$SW_QUICK" = 1 ]; then
    check "a journal: the power cut, the disk failing, at every 20th write or sync" "$powercut" 1 20
    check "the verbs: the same at every 10th" verbs ${powercut}_verbs 10
    check "a journal: a bit flipped at every 41st byte" bitrot 41
else
    check "a journal: the power cut, the disk failing, at every write and sync" "$powercut" 1
    check "the verbs: the same" verbs ${powercut}_verbs 1
    check "a journal: a bit flipped at every byte, of its file and of its WAL" bitrot 1
    for broken in NORMAL_SYNC EARLY_ACK UNSYNCED_INTENT; do
        must cmake --preset dev -DSW_BREAK=$broken -B build/break-$broken >/dev/null
        must cmake --build build/break-$broken --target powercut powercut_verbs -- --quiet
        check "the verbs: broken build $broken is found out" \
            bash -c "! build/break-$broken/tests/crash/powercut_verbs 1 8 power"
    done
    for broken in NORMAL_SYNC EARLY_ACK; do # which intent is synced is no matter of the journal's
        check "a journal: broken build $broken is found out" \
            bash -c "! build/break-$broken/tests/crash/powercut 1 8"
    done
fi
