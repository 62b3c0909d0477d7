#!/usr/bin/env python3
"""Opens the chains of alma-fit with the programs that they are meant for, and compares what these read with chain.h5.

usage: inference_diff.py FOLDER... [--control]
    --control: one draw of inference.nc and one of mcmc/chain is changed first
Needs arviz (0.x or 1.x), xarray with netCDF4 and h5netcdf, emcee, h5py, astropy.
"""
import os
import shutil
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
import arviz
import astropy
import emcee
import h5py
import numpy as np
import xarray
from astropy.io import fits
from astropy.table import Table

faults = []


def check(what, good):
    if not good:
        faults.append(what)
        print(f"FAULT: {what}")


def group_of(data, name):
    """A group of InferenceData (arviz 0.x) or of a DataTree (xarray, arviz 1.x)."""
    group = data[name]
    return group.to_dataset() if hasattr(group, "to_dataset") and not isinstance(group, xarray.Dataset) else group


def compare(label, data, truth):
    posterior, stats = group_of(data, "posterior"), group_of(data, "sample_stats")
    observed, constant = group_of(data, "observed_data"), group_of(data, "constant_data")
    check(f"{label}: dimensions", dict(posterior.sizes) == {"chain": truth["samples"].shape[1], "draw": truth["samples"].shape[0]})
    for k, name in enumerate(truth["names"]):
        values = posterior[name].transpose("draw", "chain").values
        check(f"{label}: {name}", np.array_equal(values, truth["samples"][:, :, k]))
        check(f"{label}: unit of {name}", posterior[name].attrs["units"] == truth["units"][k])
    check(f"{label}: lp", np.array_equal(stats["lp"].transpose("draw", "chain").values, truth["log_density"]))
    for name, values in truth["statistics"].items():
        read = stats[name].transpose("draw", "chain").values
        check(f"{label}: {name}", np.array_equal(read.astype(float), values))
    if "diverging" in truth["statistics"]:
        check(f"{label}: diverging is yes or no", stats["diverging"].dtype == bool)
    check(f"{label}: channels", observed["t_k"].dims == ("channel",) and constant["freq_mhz"].dims == ("channel",))


def text(values):
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def truth_of(path):
    with h5py.File(path) as chain:
        burn = int(chain.attrs["burn"])
        statistics = text(chain.attrs["statistics"]) if "statistics" in chain.attrs else []
        return {
            "names": text(chain.attrs["parameters"]),
            "units": text(chain.attrs["units"]),
            "samples": chain["samples"][burn:],
            "all": chain["samples"][:],
            "log_density": chain["log_density"][burn:],
            "statistics": {name: chain[name][burn:] for name in statistics},
            "is_ensemble": "mcmc" in chain,
        }


def judge(folder, control):
    truth = truth_of(os.path.join(folder, "chain.h5"))
    inference, chain = os.path.join(folder, "inference.nc"), os.path.join(folder, "chain.h5")
    if control:
        with h5py.File(inference, "r+") as f:
            f["posterior"][truth["names"][0]][0, 1] += 1e-9
        with h5py.File(chain, "r+") as f:
            if truth["is_ensemble"]:
                f["mcmc/chain"][1, 0, 0] += 1e-9
    # arviz 1.x leaves the opening to xarray.
    data = arviz.from_netcdf(inference) if hasattr(arviz, "from_netcdf") else xarray.open_datatree(inference)
    arviz.rhat(data)
    compare(f"arviz {arviz.__version__}", data, truth)
    for engine in ["netcdf4", "h5netcdf"]:
        with xarray.open_datatree(inference, engine=engine) as tree:
            compare(f"xarray {xarray.__version__}, {engine}", tree, truth)
    if truth["is_ensemble"]:
        backend = emcee.backends.HDFBackend(chain, read_only=True)
        check("emcee: chain", np.array_equal(backend.get_chain(), truth["all"]))
        check("emcee: shape", backend.shape == truth["all"].shape[1:] and backend.iteration == len(truth["all"]))
        check("emcee: no blobs", not backend.has_blobs() and backend.get_blobs() is None)
        backend.get_autocorr_time(quiet=True)
        flat = backend.get_chain(flat=True, discard=2)
        check("emcee: flat chain", flat.shape == ((len(truth["all"]) - 2) * truth["all"].shape[1], truth["all"].shape[2]))
    species = Table.read(os.path.join(folder, "species.ecsv"))
    check("astropy: units of species.ecsv", str(species["fwhm"].unit) == "km / s" and "reference_species" in species.meta)
    spectra = os.path.join(folder, "spectra")
    for name in sorted(n for n in os.listdir(spectra) if n.endswith(".fits")):
        with fits.open(os.path.join(spectra, name)) as hdus:
            hdus.verify("exception")
        table, csv = Table.read(os.path.join(spectra, name)), Table.read(os.path.join(spectra, name[:-5] + ".csv"))
        check(f"{name}: columns", table.colnames == csv.colnames)
        for column in table.colnames:
            values = np.asarray(csv[column], dtype=float)
            check(f"{name}: {column}", np.array_equal(np.asarray(table[column]), values, equal_nan=True))



control = "--control" in sys.argv
for folder in [a for a in sys.argv[1:] if a != "--control"]:
    with tempfile.TemporaryDirectory() as copy:
        target = os.path.join(copy, "fit")
        shutil.copytree(folder, target)
        judge(target, control)
print(
    f"arviz {arviz.__version__}, xarray {xarray.__version__}, emcee {emcee.__version__}, astropy {astropy.__version__}: "
    f"{len(faults)} differences"
)
sys.exit(1 if faults else 0)
