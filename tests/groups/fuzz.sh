check "each fuzz target for $([ "$SW_QUICK" = 1 ] && echo 5 || echo 60) s, after its corpus" \
    tests/fuzz/run "$([ "$SW_QUICK" = 1 ] && echo 5 || echo 60)"
