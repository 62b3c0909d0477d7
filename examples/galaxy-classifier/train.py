#!/usr/bin/env python3
"""Trains a small attention network on packed galaxies, on a CPU, and judges it on the held-out split.

usage: train.py PACK_OUT [--epochs N] [--steps N] [--wanted ACCURACY] [--control]
A few convolutions turn the image into 64 tokens; two layers of self-attention and a mean decide. With --steps it stops after so many
(a test that it runs). Exits with 1 where the accuracy is below --wanted. With --control the classes that it learns from are dealt out at random:
it exits with 1 where the accuracy reaches --wanted nevertheless.
"""
import argparse, sys, time
import torch
from torch import nn
from torch.utils.data import DataLoader
from shards import Shards


class Classifier(nn.Module):
    def __init__(self, bands, classes, width=64):
        super().__init__()
        layers, channels = [], [bands, 16, 32, width]
        for a, b in zip(channels, channels[1:]): # 64 -> 32 -> 16 -> 8 pixels
            layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.GELU()]
        self.tokens = nn.Sequential(*layers)
        self.place = nn.Parameter(torch.zeros(1, 64, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.attention = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.decide = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, images):
        tokens = self.tokens(images).flatten(2).transpose(1, 2)
        return self.decide(self.attention(tokens + self.place).mean(1))


def turned(images):
    """The same galaxy in another orientation: turned by right angles, mirrored."""
    images = torch.rot90(images, int(torch.randint(4, ())), (2, 3))
    return images.flip(3) if torch.rand(()) < 0.5 else images


def confusion(model, loader, classes):
    counts = torch.zeros(classes, classes, dtype=torch.long)
    model.eval()
    with torch.no_grad():
        for images, kinds in loader:
            for true, found in zip(kinds, model(images).argmax(1)):
                counts[true, found] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--wanted", type=float, default=0.0, help="accuracy that must be reached")
    parser.add_argument("--control", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(1)
    train, test = Shards(args.folder, "train"), Shards(args.folder, "test")
    if args.control:
        dealt = torch.randperm(len(train)).tolist()
        train.items = [(*item[:2], train.items[other][2]) for item, other in zip(train.items, dealt)]
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = Classifier(len(train.mean), len(train.classes))
    steps = args.steps or args.epochs * len(loader)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    print(f"{len(train)} galaxies to learn from, {len(test)} to judge, classes {', '.join(train.classes)}")
    start, step = time.time(), 0
    while step < steps:
        model.train()
        total = 0.0
        for images, kinds in loader:
            loss = nn.functional.cross_entropy(model(turned(images)), kinds)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total, step = total + loss.item(), step + 1
            if step == steps:
                break
        print(f"step {step} of {steps}: loss {total / len(loader):.3f}, {time.time() - start:.0f} s", flush=True)
    counts = confusion(model, DataLoader(test, batch_size=128), len(train.classes))
    print("true \\ found " + " ".join(f"{name:>10}" for name in train.classes))
    for name, row in zip(train.classes, counts.tolist()):
        print(f"{name:12} " + " ".join(f"{n:>10}" for n in row))
    accuracy = counts.diag().sum().item() / max(1, counts.sum().item())
    print(f"accuracy on the held-out split: {100 * accuracy:.1f} %")
    sys.exit(int(accuracy >= args.wanted if args.control else accuracy < args.wanted))


if __name__ == "__main__":
    main()
