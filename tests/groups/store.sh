# Drivers of object stores against real servers, and one that does wrong on purpose; the sidecar on Ceph.
build_preset dev
run_pytest tests/store
