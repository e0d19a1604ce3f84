buf=$(ls tests/support/node_modules/@bufbuild/buf-linux-*/bin/buf)
check "the contract follows buf's STANDARD rules" "$buf" lint proto
check "no change breaks a client of the released contract" \
    "$buf" breaking proto --against proto/stepwell-v1.binpb
