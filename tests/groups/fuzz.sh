seconds=$([ "$SW_QUICK" = 1 ] && echo 5 || echo 60)
for source in tests/fuzz/fuzz_*.c; do
    target=${source##*/fuzz_} target=${target%.c}
    check "fuzz $target for $seconds s, after its corpus" tests/fuzz/run "$seconds" "$target"
done
