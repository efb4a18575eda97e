# Stages of a long run of tests: their logs, their counts, their summary. Sourced by tests/run_*.sh, which set BUDGET_SECONDS.
# shellcheck shell=bash
# The last line is "N passed, N failed", with ", N skipped" if there are any. A stage that cannot be built or does not begin
# within the budget counts as one failure.
PYTHON=/usr/bin/python3
LOGS=build/logs
mkdir -p "$LOGS"
passed=0 failed=0 skipped=0
summary=()

# Adds the counts in ctest's or pytest's closing lines of a log.
count() {
    local log=$1 ok=0 bad=0 left_out=0 counts
    counts=$("$PYTHON" tests/count_results.py "$log")
    read -r ok bad left_out <<<"$counts"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left_out))
    result="$ok passed, $bad failed"
    if [ "$left_out" -gt 0 ]; then result+=", $left_out skipped"; fi
    if [ "$bad" -gt 0 ]; then return 1; fi
}

# stage KIND TITLE COMMAND...: KIND is `tests` (its output is counted) or `step` (fails or not).
stage() {
    local kind=$1 title=$2 log began code=0 result=""
    shift 2
    log="$LOGS/$(tr -cs 'a-z0-9' '-' <<<"$title").log"
    if [ "$SECONDS" -gt "$BUDGET_SECONDS" ]; then
        failed=$((failed + 1))
        summary+=("NOT RUN  $title: the budget of $((BUDGET_SECONDS / 60)) minutes is used up")
        return 1
    fi
    printf '\n== %s\n' "$title"
    began=$SECONDS
    "$@" >"$log" 2>&1 || code=$?
    if [ "$kind" = tests ]; then
        local before=$failed
        count "$log" || true
        if [ "$code" -ne 0 ] && [ "$failed" -eq "$before" ]; then failed=$((failed + 1)) && result+=", exit code $code"; fi
        if [ "$failed" -ne "$before" ]; then code=1; fi
    elif [ "$code" -ne 0 ]; then
        failed=$((failed + 1)) result="exit code $code"
    fi
    local took=$((SECONDS - began)) word=ok
    if [ "$code" -ne 0 ]; then
        word=FAILED
        tail -n 60 "$log"
    fi
    printf '%s: %s %s (%d s; %s)\n' "$title" "$word" "$result" "$took" "$log"
    summary+=("$(printf '%-8s %5d s  %s  %s' "$word" "$took" "$title" "$result")")
    return "$code"
}

# Only the targets that a stage needs: from cold, every file costs seconds, and three times as many under sanitizers.
build_targets() {
    local preset=$1
    shift
    cmake --preset "$preset" -Wno-dev && ninja -C "build/$preset" "$@"
}
# Every fuzz target for so many seconds.
fuzz_each() {
    local seconds=$1 target code=0
    for target in build/fuzz/tests/fuzz/fuzz_*; do
        if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
        if ./dev fuzz-one "$target" "$seconds"; then
            echo "fuzz target $(basename "$target"): 1 passed, 0 failed"
        else
            echo "fuzz target $(basename "$target"): 0 passed, 1 failed"
            code=1
        fi
    done
    return "$code"
}

# Prints what became of each stage, and the closing line. Fails if anything did.
close_stages() {
    local closing="$passed passed, $failed failed"
    printf '\n== summary after %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
    printf '%s\n' "${summary[@]}"
    if [ "$skipped" -gt 0 ]; then closing+=", $skipped skipped"; fi
    echo "$closing"
    [ "$failed" -eq 0 ]
}
