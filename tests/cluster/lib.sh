# Sourced by run: the hosts, the inputs, and what an undisturbed run of them gives.

BIN_DIR="$BIN"
SSH="ssh -F $HOSTS_DIR/ssh_config"
MCA="--mca oob_tcp_if_include 10.77.0.0/24 --mca btl_tcp_if_include 10.77.0.0/24 --mca pml ob1 --mca btl self,vader,tcp \
--bind-to none --mca mpi_yield_when_idle 1 --map-by node"
# One machine's settings would keep the hosts from talking to one another.
unset OMPI_MCA_btl OMPI_MCA_pml

bring_up() {
    mkdir -p "$HOSTS_DIR"
    # Before the hosts: they see what is mounted now.
    mkdir -p "$WORK/small" /mnt/mirinae-test
    mount -t tmpfs -o size=2m tmpfs "$WORK/small" || return 1
    bash "$TOOLS/hosts.sh" up >"$WORK/up.log" 2>&1
    local host
    for host in 1 2 3 4; do
        await 20 $SSH 10.77.0.$host true || return 1
    done
}

take_down() {
    bash "$TOOLS/hosts.sh" down >/dev/null 2>&1
    umount "$WORK/small" 2>/dev/null
    rmdir /mnt/mirinae-test 2>/dev/null
    rm -rf "$WORK"
}

REVIVED=""
revive() { # host: after its power was off
    REVIVED=1
    ip netns del "node$1" 2>/dev/null
    ip link del "vnode$1" 2>/dev/null
    bash "$TOOLS/hosts.sh" hostup "$1" >>"$WORK/up.log" 2>&1
    await 20 $SSH "10.77.0.$1" true
}

await() { # seconds command...: until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

# Inputs that keep eight ranks busy for some seconds, and the products of one rank left alone.
make_references() { # cases: those of kvn-corr serve gluster-* and slurm-*, too
    echo "inputs and references"
    case " $1 " in *" kvn-"* | *" gluster-"* | *" slurm-"*) reference_kvn ;; esac
    case " $1 " in *" alma-"*) reference_alma ;; esac
    case " $1 " in *" pack-"*) reference_pack ;; esac
}

reference_kvn() {
    sed 's/^duration_s.*/duration_s = 1.024/; s/^integration_s.*/integration_s = 0.0032/' examples/kvn3/sim.toml >"$WORK/sim.toml"
    "$BIN_DIR/kvn-corr" simulate "$WORK/sim.toml" --out "$WORK/kvn" >/dev/null || exit 1
    "$BIN_DIR/kvn-corr" run "$WORK/kvn/kvn3.input" --out "$WORK/kvn-one" -q >/dev/null 2>&1
    [ -s "$WORK/kvn-one/kvn3.h5" ] || { echo "no reference of kvn-corr"; exit 1; }
}

reference_alma() {
    cp -r examples/hotcore "$WORK/alma"
    sed -i 's/^steps.*/steps = 1500/; s/^burn.*/burn = 100/; s/^part.*/part = 50/' "$WORK/alma/fit.toml"
    "$BIN_DIR/alma-fit" run "$WORK/alma/fit.toml" --out "$WORK/alma-one" -q >/dev/null 2>&1
    [ -s "$WORK/alma-one/chain.h5" ] || { echo "no reference of alma-fit"; exit 1; }
}

reference_pack() {
    "$PYTHON" examples/galaxy-classifier/simulate.py "$WORK/pack" --galaxies 600 || exit 1
    sed -i 's/^\[bands\]/in_flight = 4\n&/' "$WORK/pack/pack.toml"
    printf '[output]\ngalaxies = 3\nzarr = true\nhdf5 = true\nwebdataset = true\n' >>"$WORK/pack/pack.toml"
    "$BIN_DIR/fits-pack" run "$WORK/pack/pack.toml" --out "$WORK/pack-one" -q >/dev/null 2>&1
    [ -s "$WORK/pack-one/index.json" ] || { echo "no reference of fits-pack"; exit 1; }
}

# The command of a program: its words, with the products going to a folder.
command_of() { # program folder [input]
    case "$1" in
        kvn) echo "$BIN_DIR/kvn-corr run ${3:-$WORK/kvn/kvn3.input} --out $2 --no-progress -v" ;;
        alma) echo "$BIN_DIR/alma-fit run ${3:-$WORK/alma/fit.toml} --out $2 --no-progress -v" ;;
        pack) echo "$BIN_DIR/fits-pack run ${3:-$WORK/pack/pack.toml} --out $2 --no-progress -v" ;;
    esac
}

same_products() { # program folder
    case "$1" in
        kvn) cmp "$WORK/kvn-one/kvn3.h5" "$2/kvn3.h5" ;;
        alma) cmp "$WORK/alma-one/chain.h5" "$2/chain.h5" && cmp "$WORK/alma-one/summary.csv" "$2/summary.csv" ;;
        pack) diff -rq --exclude run.json "$WORK/pack-one" "$2" ;;
    esac
}

# Waits until a run is well on its way: some parts of its product are there.
under_way() { # program folder
    case "$1" in
        kvn) [ "$(find "$2/parts" -name "*.part" 2>/dev/null | wc -l)" -ge 40 ] ;;
        alma) [ "$(find "$2/parts" -name "chain-*.h5" 2>/dev/null | wc -l)" -ge 3 ] ;;
        pack) [ "$(find "$2/parts" -name "*.part" 2>/dev/null | wc -l)" -ge 20 ] ;;
    esac
}

supervised() { # log program folder [input]: in the background; $SUPERVISOR is its process
    # shellcheck disable=SC2046
    scripts/supervise --hostfile "$HOSTS_DIR/hostfile" -np 8 --mca "$MCA" --ssh "-F $HOSTS_DIR/ssh_config" --stall 300 \
        --log "$1" -- $(command_of "$2" "$3" "${4:-}") >/dev/null 2>&1 &
    SUPERVISOR=$!
}

# Runs under the supervisor, breaks something in the middle, mends it, waits for the end, compares.
survives() { # program fault mend [folder] [input]
    local program="$1" fault="$2" mend="$3" out="${4:-$WORK/out-$RANDOM}" log="$WORK/log" broken noticed
    rm -rf "$out" "$log"
    supervised "$log" "$program" "$out" "${5:-}"
    if ! await 120 under_way "$program" "$out"; then
        echo "   the run does not get under way"
        tail -n 20 "$log"
        kill -9 "$SUPERVISOR" 2>/dev/null
        return 1
    fi
    broken=$(date +%s.%N)
    $fault
    if await 150 grep -q "the run ended with code" "$log"; then
        noticed=$(date +%s.%N)
        echo "   noticed after $(since "$broken" "$noticed") s"
    else
        echo "   the run went on through the fault"
    fi
    $mend
    wait "$SUPERVISOR"
    local code=$?
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $(grep -c 'supervise: [0-9:]* attempt' "$log") attempts, code $code"
    [ $code -le 1 ] && same_products "$program" "$out" && { rm -rf "$out"; return 0; }
    tail -n 30 "$log"
    return 1
}

since() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'; }

run_case() { # name
    local start=$SECONDS status
    echo "== $1"
    case_"${1//-/_}"
    status=$?
    case $status in
        0) PASSED=$((PASSED + 1)); echo "   passed ($((SECONDS - start)) s)" ;;
        77) SKIPPED=$((SKIPPED + 1)) ;;
        *) FAILED=$((FAILED + 1)); echo "   FAILED" ;;
    esac
}
