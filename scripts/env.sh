# Sourced by the other scripts: where things are, and how MPI runs on a machine with fewer cores than ranks.
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PATH="$HOME/.cargo/bin:$PATH"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
BIN="$TARGET/release"
SHARED="$ROOT/../shared"

# The Python that has numpy: the distribution's, which scripts/setup --dev fills, or another one on the path.
PYTHON=python3
for python in python3 /usr/bin/python3; do
    if "$python" -c "import numpy" 2>/dev/null; then PYTHON="$python"; break; fi
done

# More ranks than cores are fine here, ranks that wait give their core away, and nothing but shared memory is used:
# these settings are for one machine; a cluster has its own in hostfiles/README.md.
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
