#!/usr/bin/env python3
"""How long kvn-corr takes on many ranks, and what limits it: compute, network or storage.

usage: kvn_model.py [--terabytes 45] [--ranks 256] [--hosts 16] [--cpu-s 5.4] [--disk-gb-s 3.2] [--net-gb-s 1.25] ...

CPU seconds per second of data come from `kvn-corr bench` (run), the rest from what the cluster has. Operations on files were
counted with strace (docs/src/dev/kvn-scaling.md). Times of stages that wait for different things overlap at best and add up at worst:
both are printed.
"""
import argparse
import math

UNIT_BYTES, MOST_UNITS, MOST_WRITERS = 32 << 20, 2000, 8  # run/plan.rs, run/products.rs
# By unit: opens of its part (checked, made, synced, folder synced, read), rename, unlink, syncs; by unit and station: opens of the recording at its times (some units
# touch two); by recording: those of rank 0 before the start.
PART_OPENS, PART_RENAMES, PART_UNLINKS, UNIT_SYNCS, RECORDING_OPENS, UNIT_RECORDINGS = 5, 1, 1, 3, 3, 1.3
UNIT_MESSAGES, UNIT_MESSAGE_BYTES = 3, 400  # free, unit, done (with news of stations and fringes)
SIGNS_A_SECOND = 6 / 300  # of each rank, --watchdog 300
CENTRE_FILE_OPENS, CENTRE_FILE_SYNCS = 3, 2


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--terabytes", type=float, default=45.0, help="recordings of all stations")
    parser.add_argument("--stations", type=int, default=3)
    parser.add_argument("--gbit-s", type=float, default=1.024, help="recorded by a station")
    parser.add_argument("--files", type=int, default=3, help="recordings, of all stations")
    parser.add_argument("--ranks", type=int, default=256)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--cpu-s", type=float, default=5.4, help="CPU seconds per second of data")
    parser.add_argument("--disk-gb-s", type=float, default=3.2, help="all bricks together, reading in large requests")
    parser.add_argument("--write-gb-s", type=float, default=1.6, help="all bricks together, writing (replicas counted once)")
    parser.add_argument("--net-gb-s", type=float, default=1.25, help="into a host (10 Gbit/s: 1.25)")
    parser.add_argument("--client-gb-s", type=float, default=0.5, help="one client of the volume, writing")
    parser.add_argument("--metadata-s", type=float, default=2e-3, help="an open, rename or unlink on the volume")
    parser.add_argument("--centres", type=int, default=1)
    parser.add_argument("--products", type=int, default=48, help="baselines times bands and polarisations")
    parser.add_argument("--channels", type=int, default=256, help="of a product, after averaging")
    parser.add_argument("--integration-s", type=float, default=1.0)
    parser.add_argument("--formats", type=int, default=1, help="files of each centre: 0, 1 (FITS-IDI or SWIN) or 2")
    a = parser.parse_args()

    data_s = a.terabytes * 1e12 / (a.stations * a.gbit_s * 1e9 / 8)
    record = a.centres * a.products * a.channels * 8
    integrations = math.ceil(data_s / a.integration_s)
    product = record * integrations
    per_unit = max(1, min(math.ceil(integrations / MOST_UNITS), UNIT_BYTES // record))
    units = math.ceil(integrations / per_unit)
    # The slowest rank does one unit more than the others.
    rounds = math.ceil(units / a.ranks)
    compute = rounds * (data_s / units) * a.cpu_s
    reading = a.terabytes * 1e3 / a.disk_gb_s
    network = a.terabytes * 1e3 / (a.net_gb_s * a.hosts)
    parts = product / 1e9 / a.write_gb_s
    writers = min(MOST_WRITERS, a.ranks)
    join = product / 1e9 / a.disk_gb_s + product / 1e9 / min(a.write_gb_s, writers * a.client_gb_s)
    formats = a.formats * product / 1e9 * (1 / a.disk_gb_s + 1 / min(a.write_gb_s, min(a.centres, a.ranks) * a.client_gb_s))
    recordings = min(a.ranks * a.files, math.ceil(units * a.stations * UNIT_RECORDINGS)) + a.files * RECORDING_OPENS
    opens = units * PART_OPENS + recordings + a.formats * a.centres * CENTRE_FILE_OPENS
    others = units * (PART_RENAMES + PART_UNLINKS) + a.formats * a.centres
    # Opens, renames and unlinks of a rank follow one another; rank 0 alone checks parts at the start and unlinks them.
    alone = 2 * units * a.metadata_s
    shared = (opens + others - 2 * units) / a.ranks * a.metadata_s

    print(f"{a.terabytes:g} TB of {a.stations} stations are {data_s:.0f} s of data; {units} units of {per_unit} integrations; products {product / 1e12:.3f} TB")
    print(f"units a rank {units / a.ranks:.1f}: {100 * units / (rounds * a.ranks):.0f} % of the ranks' time is work")
    rows = [
        ("compute", compute, f"{a.cpu_s:g} CPU s per s of data on {a.ranks} ranks"),
        ("reading from the bricks", reading, f"{a.disk_gb_s:g} GB/s"),
        ("network into the hosts", network, f"{a.hosts} hosts at {a.net_gb_s:g} GB/s"),
        ("writing parts", parts, f"{a.write_gb_s:g} GB/s"),
    ]
    for name, seconds, why in rows:
        print(f"  {name:26} {seconds:9.0f} s   {why}")
    after = [
        ("putting parts in place", join, f"{writers} writers of {a.client_gb_s:g} GB/s"),
        ("files of single centres", formats, f"{a.formats} formats, {a.centres} centres"),
        ("metadata", alone + shared, f"{opens} opens, {others} renames and unlinks, {units * UNIT_SYNCS} syncs"),
    ]
    for name, seconds, why in after:
        print(f"  then {name:21} {seconds:9.0f} s   {why}")
    tail = sum(seconds for _, seconds, _ in after)
    best = max(seconds for _, seconds, _ in rows) + tail
    worst = sum(seconds for _, seconds, _ in rows) + tail
    messages = units * UNIT_MESSAGES + best * SIGNS_A_SECOND * (a.ranks - 1)
    print(f"messages {messages:.0f}, {units * UNIT_MESSAGE_BYTES / 1e6:.1f} MB, all to or from rank 0: {messages / best:.1f} a second")
    print(f"all: {best / 3600:.2f} h where everything overlaps, {worst / 3600:.2f} h where nothing does; {data_s / best:.1f} to {data_s / worst:.1f} times real time")
    limit = max(rows, key=lambda row: row[1])
    print(f"limit: {limit[0]}; the bricks would have to give {a.terabytes * 1e3 / compute:.1f} GB/s, each host's network {a.terabytes * 1e3 / compute / a.hosts:.2f} GB/s, to keep up with the processors")


main()
