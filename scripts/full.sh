# Sourced by scripts/test --full: checks that take long or need outside tools. What has passed for this commit is
# remembered, so that the same command goes on where it stopped.
DONE="$TARGET/full.done"
COMMIT=$(git rev-parse HEAD)
touch "$DONE"

once() { # name command...
    if grep -qxF "$COMMIT $1" "$DONE"; then
        echo "== $1"; echo "   passed before"; count 1 0
        return
    fi
    local before=$FAILED
    step "$@"
    if [ "$FAILED" -eq "$before" ]; then echo "$COMMIT $1" >>"$DONE"; fi
}

for name in $(scripts/judge); do
    once "judge $name" scripts/judge "$name"
    once "judge $name, negative control" scripts/judge --control "$name"
done
once "96 and 256 ranks" cargo test --release --locked -p mirinae-tests -- --ignored --test-threads=1 --nocapture
