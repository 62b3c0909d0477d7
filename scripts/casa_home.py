"""Prepares HOME, an empty folder, for CASA: settings that need no network; its log goes there too, and not into the project.

Imported before CASA, which reads its settings and opens its log when it is imported.
"""
import os
import sys

home = os.path.join(os.environ["HOME"], ".casa")
os.makedirs(home, exist_ok=True)
with open(os.path.join(home, "config.py"), "w") as config:
    config.write(
        "import casadata\ndatapath = [casadata.datapath]\nmeasurespath = casadata.datapath\nmeasures_auto_update = False\n"
        "data_auto_update = False\ntelemetry_enabled = False\nnologfile = True\nlog2term = False\n"
    )
# Files that were named from here are found from there, too.
sys.argv[1:] = [os.path.abspath(a) if os.path.exists(a) else a for a in sys.argv[1:]]
os.chdir(os.environ["HOME"])
