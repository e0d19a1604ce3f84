#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts in tests/groups may use. tests/run calls this with a group's name;
# it runs tests/groups/NAME.sh, every command of it in turn, and fails when one failed.
#
# SW_RESULTS is the group's directory for reports: JUnit files (*.xml) and `checks`
# are counted by count.py. SW_QUICK is 1 in a quick run.
set -uo pipefail
bad=0

# Runs a command that is one test in itself.
check() { # "WHAT IT SHOWS" COMMAND...
    local what=$1
    shift
    if "$@"; then
        echo "pass $what" >>"$SW_RESULTS/checks"
        echo "ok: $what"
    else
        echo "fail $what" >>"$SW_RESULTS/checks"
        echo "FAILED: $what"
        bad=1
    fi
}

# Runs a command that must succeed but shows nothing by itself: the group ends if it does not.
must() {
    "$@" || { echo "FAILED: $*"; exit 1; }
}

build_preset() { # PRESET
    if ! cmake --preset "$1" >"$SW_RESULTS/cmake-$1.log" 2>&1; then
        cat "$SW_RESULTS/cmake-$1.log"
        exit 1
    fi
    must cmake --build "build/$1" -- --quiet
}

run_ctest() { # PRESET LABEL-PATTERN [ARGUMENT...]
    local preset=$1 label=$2
    shift 2
    ctest --test-dir "build/$preset" -L "$label" --timeout "${SW_TEST_TIMEOUT:-120}" \
        --no-tests=ignore --output-on-failure --test-output-size-passed 4000000 \
        --output-junit "$SW_RESULTS/ctest-$preset-${label//[^a-z]/-}.xml" "$@" || bad=1
}

# A quick run takes what waits side by side; a full one takes each test by itself.
run_pytest() { # [ARGUMENT...] PATH...
    local beside=()
    [ "$SW_QUICK" != 1 ] || beside=(-n $(($(nproc) + 2)))
    python -m pytest -q -p no:cacheprovider --timeout "${SW_TEST_TIMEOUT:-120}" "${beside[@]}" \
        --junitxml "$SW_RESULTS/pytest-$(cat "$SW_RESULTS"/pytest-*.xml 2>/dev/null | wc -c).xml" \
        "$@" || bad=1
}

has_pytests() { # DIRECTORY
    [ -n "$(find "$1" -name 'test_*.py' -print -quit 2>/dev/null)" ]
}

# Sanitizers stop at the first finding, and know what libraries that are not built with
# them do on purpose.
support=$PWD/tests/support
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$support/lsan.supp:print_suppressions=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$support/tsan.supp:halt_on_error=1:second_deadlock_stack=1}

# shellcheck source=/dev/null
source "tests/groups/$1.sh"
exit $bad
