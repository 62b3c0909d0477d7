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
classifier() { # galaxies of known classes, packed, learned, judged on the held-out split; needs PyTorch
    local work python=""
    for python in "$TARGET/judge-venv/bin/python" python3 /usr/bin/python3; do
        "$python" -c "import torch, pyarrow, numpy" 2>/dev/null && break
        python=""
    done
    [ -n "$python" ] || { echo "skipped: Python with torch and pyarrow is not there"; return; }
    work=$(mktemp -d)
    "$python" examples/galaxy-classifier/simulate.py "$work" --galaxies "$1" &&
        "$BIN/fits-pack" run "$work/pack.toml" -q &&
        "$python" examples/galaxy-classifier/train.py "$work/pack.out" "${@:2}"
    local status=$?
    rm -rf "$work"
    return $status
}

once "galaxy classifier, a few steps" classifier 200 --steps 3
once "galaxy classifier, more than 90 %" classifier 4000 --wanted 0.9
once "galaxy classifier, control: classes dealt out at random" classifier 1200 --epochs 3 --control --wanted 0.9
fuzz() { # target; what cannot be built is no failure
    scripts/fuzz 600 "$1"
    local status=$?
    [ $status -eq 77 ] || return $status
}
for target in $(scripts/fuzz list); do
    once "fuzz of $target, ten minutes" fuzz "$target"
done
many_ranks() { # the tests that are left out otherwise; none at all is a failure
    cargo test --release --locked -p mirinae-tests -- --ignored --test-threads=1 --nocapture 2>&1 | tee "$TARGET/ranks.log"
    [ "${PIPESTATUS[0]}" -eq 0 ] && awk '/^test result:/ { n += $4 } END { exit n == 0 }' "$TARGET/ranks.log"
}
once "128 and 256 ranks, many kills" many_ranks
calibrated() { # arguments...: the calibration of the samplers over two ranks
    mpirun -np 2 "$BIN/examples/calibration" examples/calibration/fit.toml --out "$TARGET/calibration" --no-progress "$@"
}
not_calibrated() { # the same where it must fail: code 1 and no other
    calibrated "$@"
    [ $? -eq 1 ]
}
once "calibration: build" cargo build --release --locked -p mirinae-mcmc --example calibration
once "calibration" calibrated
once "calibration, control: noise taken 1.3 times too small" not_calibrated --assumed-noise 0.77
once "calibration, correlated noise" calibrated --lag1 0.5
once "calibration, control: correlated noise ignored" not_calibrated --lag1 0.5 --ignore-lag1

several_hosts() { # one case; what is not installed is no failure
    tests/cluster/run "$1"
    local status=$?
    [ $status -eq 77 ] || return $status
}
for case in $(tests/cluster/run list); do
    once "several hosts: $case" several_hosts "$case"
done
