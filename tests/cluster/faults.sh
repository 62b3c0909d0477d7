# Sourced by run: the cases.

nothing() { :; }

kill_a_rank() { # one rank of the run on the second host
    local pid
    for pid in $(ip netns pids node2); do
        case "$(cat "/proc/$pid/comm" 2>/dev/null)" in
            kvn-corr | alma-fit) kill -9 "$pid"; return ;;
        esac
    done
    echo "   no rank on the second host"
}
power_off() { bash "$TOOLS/hosts.sh" kill9 3; }
power_on() { revive 3; }
pull_cable() { bash "$TOOLS/hosts.sh" crash 2; }
plug_in() { sleep 10; bash "$TOOLS/hosts.sh" uncrash 2; }

undisturbed() { # program: eight ranks on four hosts
    local out="$WORK/out-hosts-$1"
    supervised "$WORK/log" "$1" "$out"
    wait "$SUPERVISOR" && same_products "$1" "$out" || { tail -n 20 "$WORK/log"; return 1; }
}

case_kvn_hosts() { undisturbed kvn; }
case_kvn_rank() { survives kvn kill_a_rank nothing; }
case_kvn_power() { survives kvn power_off power_on; }
case_kvn_cable() { survives kvn pull_cable plug_in; }
case_alma_hosts() { undisturbed alma; }
case_alma_rank() { survives alma kill_a_rank nothing; }
case_alma_power() { survives alma power_off power_on; }
case_alma_cable() { survives alma pull_cable plug_in; }

# The products' disk is full in the middle of the run, and has room again later.
fill_disk() { dd if=/dev/zero of="$WORK/small/ballast" bs=1k 2>/dev/null; }
free_disk() { rm -f "$WORK/small/ballast"; }
case_kvn_disk() {
    mount -o remount,size=64m "$WORK/small"
    survives kvn fill_disk free_disk "$WORK/small/out"
}

# ---- Gluster: a daemon and a brick a host, the volume mounted on all of them at the same place
GLUSTER_UP=""
gluster_up() {
    [ -z "$GLUSTER_UP" ] || return 0
    command -v glusterd >/dev/null || { echo "skipped: glusterfs is not installed"; return 77; }
    local host
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

volume() { # name words-of-create...: makes it, mounts it on all hosts, puts the inputs there
    local name="$1" host bricks=""
    shift
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
    $SSH 10.77.0.1 "cp -r $WORK/kvn /mnt/mirinae-test/in && sed -i 's#$WORK/kvn#/mnt/mirinae-test/in#g' /mnt/mirinae-test/in/*.input"
}

kill_brick() { # the process that serves the fourth host's brick
    local pid
    for pid in $(ip netns pids node4); do
        grep -aq "$HOSTS_DIR/node4/brick/$BRICK_OF" "/proc/$pid/cmdline" 2>/dev/null &&
            [ "$(cat "/proc/$pid/comm")" = glusterfsd ] && kill -9 "$pid"
    done
}
restart_brick() { sleep 5; $SSH 10.77.0.1 "gluster --mode=script volume start $BRICK_OF force" >>"$WORK/gluster.log" 2>&1; }

# Products and recordings lie on the volume: read on a host, as this machine itself has not mounted it.
gluster_case() { # volume fault mend
    BRICK_OF="$1"
    local log="$WORK/log" broken code
    rm -f "$log"
    supervised "$log" kvn /mnt/mirinae-test/out /mnt/mirinae-test/in/kvn3.input
    if ! await 180 $SSH 10.77.0.1 "[ \$(find /mnt/mirinae-test/out -type f | wc -l) -ge 20 ]"; then
        echo "   the run does not get under way"; tail -n 20 "$log"; kill -9 "$SUPERVISOR"; return 1
    fi
    broken=$(date +%s.%N)
    $2
    $3
    wait "$SUPERVISOR"
    code=$?
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $(grep -c 'supervise: [0-9:]* attempt' "$log") attempts, code $code"
    mkdir -p "$WORK/fetched"
    $SSH 10.77.0.1 "cat /mnt/mirinae-test/out/kvn3.h5" >"$WORK/fetched/kvn3.h5"
    if [ $code -le 1 ] && same_visibilities "$WORK/fetched/kvn3.h5"; then return 0; fi
    tail -n 30 "$log"
    return 1
}

# The product names its inputs by their paths, which differ on the volume: everything else must be the same.
same_visibilities() {
    "$PYTHON" "$HERE/same_data.py" "$WORK/kvn-one/kvn3.h5" "$1"
}

case_gluster_replica() { volume rep replica 2 || return $?; gluster_case rep nothing nothing; }
case_gluster_brick() { volume repb replica 2 || return $?; gluster_case repb kill_brick restart_brick; }
case_gluster_distributed() { volume dist || return $?; gluster_case dist kill_brick restart_brick; }

# ---- Slurm
SLURM_UP=""
slurm_up() {
    [ -z "$SLURM_UP" ] || return 0
    command -v sbatch >/dev/null && [ -x /usr/sbin/munged ] || { echo "skipped: Slurm or munge is not installed"; return 77; }
    bash "$TOOLS/slurm.sh" up >"$WORK/slurm.log" 2>&1
    grep -q idle "$WORK/slurm.log" || { tail -n 5 "$WORK/slurm.log"; return 1; }
    SLURM_UP=1
}
slurm() { $SSH 10.77.0.1 "SLURM_CONF=$HOSTS_DIR/slurm/etc/slurm.conf $*"; }

slurm_case() { # fault mend
    slurm_up || return $?
    local out="$WORK/out-slurm-$RANDOM" job broken
    job=$(slurm "MIRINAE_MCA='$MCA' sbatch --parsable -N 3 -n 6 -o $WORK/slurm-%j.log $ROOT/scripts/slurm-job $(command_of kvn "$out")") || return 1
    if ! await 120 under_way kvn "$out"; then echo "   the job does not get under way"; cat "$WORK/slurm-$job.log"; return 1; fi
    broken=$(date +%s.%N)
    $1
    $2
    await 240 grep -q "slurm-job: done" "$WORK/slurm-$job.log"
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $(grep -c 'slurm-job: .* start' "$WORK/slurm-$job.log") starts"
    same_products kvn "$out" || { tail -n 30 "$WORK/slurm-$job.log"; return 1; }
}
case_slurm_run() { slurm_case nothing nothing; }
slurm_power_off() { bash "$TOOLS/hosts.sh" kill9 2; }
case_slurm_node() { slurm_case slurm_power_off nothing; }
