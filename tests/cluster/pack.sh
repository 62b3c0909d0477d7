# Sourced by run: fits-pack on a Gluster volume, images and products on it: requests counted, a brick killed in the middle.

same_on_volume() { $SSH 10.77.0.1 "diff -rq --exclude run.json $WORK/pack-one /mnt/mirinae-test/out"; }
noticed_in() { grep -q "the run ended with code" "$1"; }

# Kills a brick when some shards are done. Where it "stops", the brick is back only after the run has noticed.
pack_brick() { # volume stops|goes-on
    BRICK_OF="$1"
    local log="$WORK/log" broken code attempts
    rm -f "$log"
    supervised "$log" pack /mnt/mirinae-test/out /mnt/mirinae-test/in/pack.toml
    if ! await 180 $SSH 10.77.0.1 "[ \$(find /mnt/mirinae-test/out/parts -name '*.part' | wc -l) -ge 20 ]"; then
        echo "   the run does not get under way"; tail -n 20 "$log"; kill -9 "$SUPERVISOR"; return 1
    fi
    broken=$(date +%s.%N)
    kill_brick
    if [ "$2" = stops ]; then
        if ! await 120 noticed_in "$log"; then
            echo "   the run went on through the fault"; kill -9 "$SUPERVISOR"; tail -n 20 "$log"; return 1
        fi
        echo "   noticed after $(since "$broken" "$(date +%s.%N)") s: $(grep -m 1 ' error: ' "$log" | cut -c 1-200)"
        sleep 3
    fi
    restart_brick
    wait "$SUPERVISOR"
    code=$?
    attempts=$(grep -c 'supervise: [0-9:]* attempt' "$log")
    echo "   at its end $(since "$broken" "$(date +%s.%N)") s after the fault, $attempts attempts, code $code"
    if [ $code -eq 0 ] && { [ "$2" = stops ] || [ "$attempts" -eq 1 ]; } && same_on_volume; then return 0; fi
    tail -n 30 "$log"
    return 1
}

case_pack_replica() { volume pack packr replica 2 || return $?; pack_brick packr goes-on; }
case_pack_distributed() { volume pack packd || return $?; pack_brick packd stops; }

# ---- Requests as the bricks count them, beside those of a reader that opens, reads and closes, and nothing else.
# Files of 72 kB, as cutouts of 128 x 128 pixels are: smaller ones than 64 kB come with Gluster's answer to a look-up.
MAKE_LARGE='
import os, sys
sys.path.insert(0, "examples/galaxy-classifier")
import numpy, simulate
work, rng, simulate.SIZE = sys.argv[1], numpy.random.default_rng(1), 128
os.makedirs(work + "/images")
for number in range(200):
    for band in simulate.BANDS:
        simulate.write_fits(f"{work}/images/g{number:06d}-{band}.fits", rng.normal(0, 1, (128, 128)))
with open(work + "/galaxies.csv", "w") as file:
    file.write("objid,ra,dec,dir,class\n" + "".join(f"g{n:06d},{n},0,x,x\n" for n in range(200)))
with open(work + "/pack.toml", "w") as file:
    file.write(simulate.CONFIG.replace("/{dir}", "").replace("size = 64", "size = 128"))
'
PLAIN_READER='
import os
for number in range(200):
    for band in "gri":
        file = os.open("/mnt/mirinae-test/in/images/g%06d-%s.fits" % (number, band), os.O_RDONLY)
        while len(os.read(file, 262144)) == 262144:
            pass
        os.close(file)
'

remount() { # volume
    $SSH 10.77.0.1 "umount /mnt/mirinae-test; sleep 1; mount -t glusterfs node1:/$1 /mnt/mirinae-test && ls /mnt/mirinae-test >/dev/null"
}

# Sums what the bricks count for each kind of request since it was last asked; what comes of itself later is left out.
counted() { # volume
    $SSH 10.77.0.1 "gluster --mode=script volume profile $1 info incremental" |
        awk '$3 ~ /^[nu]s$/ && $NF ~ /^[A-Z]+$/ && $NF !~ /^(RELEASE|RELEASEDIR|FORGET|STATFS)$/ { n[$NF] += $(NF - 1) }
            END { for (f in n) print f, n[f] }' | sort
}

case_pack_requests() {
    local files=600
    "$PYTHON" -c "$MAKE_LARGE" "$WORK/large" || return 1
    volume large packq || return $?
    $SSH 10.77.0.1 "gluster --mode=script volume profile packq start" >>"$WORK/gluster.log" 2>&1
    remount packq || return 1
    counted packq >/dev/null
    $SSH 10.77.0.1 "python3 -c '$PLAIN_READER'" || return 1
    counted packq >"$WORK/requests-plain"
    remount packq || return 1
    counted packq >/dev/null
    $SSH 10.77.0.1 "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        $BIN_DIR/fits-pack run /mnt/mirinae-test/in/pack.toml --out $WORK/pack-requests -q" >"$WORK/log" 2>&1 || { cat "$WORK/log"; return 1; }
    counted packq >"$WORK/requests-ours"
    echo "   requests at the bricks for each of $files files: a reader that opens, reads, closes; fits-pack"
    join -a 1 -a 2 -e 0 -o 0,1.2,2.2 "$WORK/requests-plain" "$WORK/requests-ours" |
        awk -v n=$files '{ printf "   %-12s %6.2f %6.2f\n", $1, $2 / n, $3 / n; a += $2; b += $3 }
            END { printf "   %-12s %6.2f %6.2f\n", "all", a / n, b / n; exit !(a >= 3 * n && b >= 3 * n && b <= 1.05 * a) }'
}
