# Sourced by run: the cases of hosts and of Slurm.

nothing() { :; }

kill_a_rank() { # one rank of the run on the second host
    local pid
    for pid in $(ip netns pids node2); do
        case "$(cat "/proc/$pid/comm" 2>/dev/null)" in
            kvn-corr | alma-fit | fits-pack) kill -9 "$pid"; return ;;
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
case_pack_hosts() { undisturbed pack; }
case_pack_rank() { survives pack kill_a_rank nothing; }
case_pack_power() { survives pack power_off power_on; }

# The products' disk is full in the middle of the run, and has room again later.
fill_disk() { dd if=/dev/zero of="$WORK/small/ballast" bs=1k 2>/dev/null; }
free_disk() { rm -f "$WORK/small/ballast"; }
case_kvn_disk() {
    mount -o remount,size=64m "$WORK/small"
    survives kvn fill_disk free_disk "$WORK/small/out"
}
case_alma_disk() {
    mount -o remount,size=64m "$WORK/small"
    survives alma fill_disk free_disk "$WORK/small/out"
}

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

slurm_case() { # program fault mend
    slurm_up || return $?
    local out="$WORK/out-slurm-$RANDOM" job broken
    job=$(slurm "MIRINAE_MCA='$MCA' sbatch --parsable -N 3 -n 6 -o $WORK/slurm-%j.log $ROOT/scripts/slurm-job $(command_of "$1" "$out")") || return 1
    if ! await 120 under_way "$1" "$out"; then echo "   the job does not get under way"; cat "$WORK/slurm-$job.log"; return 1; fi
    broken=$(date +%s.%N)
    $2
    $3
    await 240 grep -q "slurm-job: done" "$WORK/slurm-$job.log"
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $(grep -c 'slurm-job: .* start' "$WORK/slurm-$job.log") starts"
    same_products "$1" "$out" || { tail -n 30 "$WORK/slurm-$job.log"; return 1; }
}
case_slurm_run() { slurm_case kvn nothing nothing; }
slurm_power_off() { bash "$TOOLS/hosts.sh" kill9 2; }
case_slurm_node() { slurm_case kvn slurm_power_off nothing; }
case_alma_slurm() { slurm_case alma slurm_power_off nothing; }
case_pack_slurm() { slurm_case pack slurm_power_off nothing; }
