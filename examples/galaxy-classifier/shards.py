"""A PyTorch Dataset over the shards that fits-pack wrote."""
import json, os
import numpy as np
import pyarrow.parquet as pq
import torch
from torch.utils.data import Dataset

HIDE = 4 | 8 | 16 # foreground, padded, missing band


class Shards(Dataset):
    """The usable galaxies of a split: (band, row, column) in units of each band's standard deviation, and the number of the class.

    Arrays are mapped: memory holds what is being used. `classes` lists the names of the classes.
    """

    def __init__(self, folder, split):
        with open(os.path.join(folder, "index.json")) as file:
            index = json.load(file)
        self.classes = sorted(name for name, (_, used) in index["classes"].items() if used)
        bands = index["statistics"]
        shape = (len(bands), 1, 1)
        self.mean = np.array([b["mean"] for b in bands], "f4").reshape(shape)
        self.sd = np.array([b["sd"] for b in bands], "f4").reshape(shape)
        label = "label_" + index["settings"]["source"]["Catalogue"]["labels"][0]
        self.arrays, self.items = [], []
        for shard in index["shards"]:
            if shard["split"] != split:
                continue
            path = os.path.join(folder, shard["name"])
            table = pq.read_table(f"{path}/table.parquet", columns=["slot", "used", label]).to_pydict()
            number = len(self.arrays)
            self.arrays.append([np.load(f"{path}/{name}.npy", mmap_mode="r") for name in ("image", "mask")])
            for slot, used, kind in zip(table["slot"], table["used"], table[label]):
                if used:
                    self.items.append((number, slot, self.classes.index(kind)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, item):
        number, slot, kind = self.items[item]
        image, mask = (array[slot] for array in self.arrays[number])
        values = np.where(mask & HIDE, 0, (image - self.mean) / self.sd).astype("f4")
        return torch.from_numpy(values), kind
