must tests/fuzz/run "$([ "$SW_QUICK" = 1 ] && echo 5 || echo 60)"
