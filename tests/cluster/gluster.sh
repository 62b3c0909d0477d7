# Sourced by run: Gluster, with a daemon and a brick a host, the volume mounted on all of them at the same place
GLUSTER_UP=""
gluster_up() {
    [ -z "$GLUSTER_UP" ] || return 0
    command -v glusterd >/dev/null || { echo "skipped: glusterfs is not installed"; return 77; }
    local host
    if [ -n "$REVIVED" ]; then # a host that was switched off and on again is not reached by the others' daemons: new hosts
        bash "$TOOLS/hosts.sh" down >/dev/null 2>&1
        bash "$TOOLS/hosts.sh" up >"$WORK/up.log" 2>&1
        for host in 1 2 3 4; do
            await 20 $SSH 10.77.0.$host true || return 1
        done
        REVIVED="" SLURM_UP=""
    fi
    for host in 1 2 3 4; do
        $SSH 10.77.0.$host "pgrep glusterd >/dev/null || glusterd" || return 1
    done
    sleep 3
    for host in 2 3 4; do
        await 30 $SSH 10.77.0.1 "gluster --mode=script peer probe node$host" || return 1
    done
    GLUSTER_UP=1
    sleep 3
}

volume() { # program name words-of-create...: makes it, mounts it on all hosts, puts the program's inputs there
    local program="$1" name="$2" host bricks=""
    shift 2
    gluster_up || return $?
    for host in 1 2 3 4; do
        $SSH 10.77.0.$host "umount -l /mnt/mirinae-test 2>/dev/null; mkdir -p $HOSTS_DIR/node$host/brick/$name"
        bricks="$bricks node$host:$HOSTS_DIR/node$host/brick/$name"
    done
    $SSH 10.77.0.1 "gluster --mode=script volume create $name $* $bricks force && gluster --mode=script volume set $name \
        network.ping-timeout 10 && gluster --mode=script volume start $name" >>"$WORK/gluster.log" 2>&1 || {
        tail -n 5 "$WORK/gluster.log"
        return 1
    }
    for host in 1 2 3 4; do
        await 30 $SSH 10.77.0.$host "mountpoint -q /mnt/mirinae-test || mount -t glusterfs node$host:/$name /mnt/mirinae-test" || return 1
    done
    $SSH 10.77.0.1 "cp -r $WORK/$program /mnt/mirinae-test/in" || return 1
    [ "$program" != kvn ] || $SSH 10.77.0.1 "sed -i 's#$WORK/kvn#/mnt/mirinae-test/in#g' /mnt/mirinae-test/in/*.input"
}

kill_brick() { # the process that serves the fourth host's brick
    local pid
    for pid in $(ip netns pids node4); do
        grep -aq "$HOSTS_DIR/node4/brick/$BRICK_OF" "/proc/$pid/cmdline" 2>/dev/null &&
            [ "$(cat "/proc/$pid/comm")" = glusterfsd ] && kill -9 "$pid"
    done
}
restart_brick() { sleep 5; $SSH 10.77.0.1 "gluster --mode=script volume start $BRICK_OF force" >>"$WORK/gluster.log" 2>&1; }

# Inputs and products lie on the volume: read on a host, as this machine itself has not mounted it.
gluster_case() { # program volume fault mend
    BRICK_OF="$2"
    local log="$WORK/log" broken code input=kvn3.input files="-type f" least=20
    [ "$1" = kvn ] || input=fit.toml files="-name chain-*.h5" least=3
    rm -f "$log"
    supervised "$log" "$1" /mnt/mirinae-test/out "/mnt/mirinae-test/in/$input"
    if ! await 180 $SSH 10.77.0.1 "[ \$(find /mnt/mirinae-test/out ${files/\*/\\*} | wc -l) -ge $least ]"; then
        echo "   the run does not get under way"; tail -n 20 "$log"; kill -9 "$SUPERVISOR"; return 1
    fi
    broken=$(date +%s.%N)
    $3
    $4
    wait "$SUPERVISOR"
    code=$?
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $(grep -c 'supervise: [0-9:]* attempt' "$log") attempts, code $code"
    if [ $code -le 1 ] && same_on_gluster "$1"; then return 0; fi
    tail -n 30 "$log"
    return 1
}

same_on_gluster() { # program
    local file
    mkdir -p "$WORK/fetched"
    for file in kvn3.h5 chain.h5 summary.csv; do
        $SSH 10.77.0.1 "cat /mnt/mirinae-test/out/$file" >"$WORK/fetched/$file" 2>/dev/null
    done
    # Products name their inputs by their paths, which differ on the volume: everything else must be the same.
    case "$1" in
        kvn) "$PYTHON" "$HERE/same_data.py" "$WORK/kvn-one/kvn3.h5" "$WORK/fetched/kvn3.h5" ;;
        alma) "$PYTHON" "$HERE/same_data.py" "$WORK/alma-one/chain.h5" "$WORK/fetched/chain.h5" &&
            cmp "$WORK/alma-one/summary.csv" "$WORK/fetched/summary.csv" ;;
    esac
}

case_gluster_replica() { volume kvn rep replica 2 || return $?; gluster_case kvn rep nothing nothing; }
case_gluster_brick() { volume kvn repb replica 2 || return $?; gluster_case kvn repb kill_brick restart_brick; }
case_gluster_distributed() { volume kvn dist || return $?; gluster_case kvn dist kill_brick restart_brick; }
case_alma_brick() { volume alma almab replica 2 || return $?; gluster_case alma almab kill_brick restart_brick; }
case_alma_distributed() { volume alma almad || return $?; gluster_case alma almad kill_brick restart_brick; }
