#!/usr/bin/env python3
"""Opens reports of alma-fit and kvn-corr in headless Chromium and asks it what it shows: all pictures, all sections, nothing from elsewhere.

usage: page_diff.py report.html... [--control]     --control: one picture of each is damaged first
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What the browser says of the page once it is loaded; it goes into a copy, the report has no script.
ASK = """<script>addEventListener("load", () => setTimeout(() => {
const pictures = [...document.images];
const told = {pictures: pictures.length, broken: pictures.filter(p => !p.complete || p.naturalWidth < 50).length,
  hidden: pictures.filter(p => p.getBoundingClientRect().width < 50).length,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  heads: [...document.querySelectorAll("h2")].map(h => h.textContent), rows: document.querySelectorAll("tr").length,
  from: performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith("data:"))};
const p = document.createElement("pre"); p.id = "told"; p.textContent = JSON.stringify(told); document.body.append(p);
}, 0));</script>"""
WANTED = {"Summary", "How this was made"}


def asked(path, browser, folder, control):
    text = open(path, encoding="utf-8").read()
    if "<script" in text:
        sys.exit(f"{path} has a script of its own")
    if control:
        at = text.index("base64,") + 200
        text = text[:at] + "AAAA" * 500 + text[at + 2000 :]
        at = text.index("base64,") + 8
        text = text[:at] + "A" * 60 + text[at + 60 :]
    copy = os.path.join(folder, "page.html")
    open(copy, "w", encoding="utf-8").write(text + ASK)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
               "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000", "--window-size=1200,900", "--dump-dom", f"file://{copy}"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=240).stdout
    found = re.search(r'<pre id="told">(.*?)</pre>', dom, re.S)
    if not found:
        sys.exit(f"the browser said nothing of {path}")
    return json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        sys.exit(77)
    control, good = "--control" in sys.argv, True
    for path in [a for a in sys.argv[1:] if a != "--control"]:
        with tempfile.TemporaryDirectory() as folder:
            told = asked(path, browser, folder, control)
        fine = (told["pictures"] > 0 and told["broken"] == told["hidden"] == 0 and not told["from"]
                and WANTED <= set(told["heads"]) and told["rows"] > 3)
        print(f"{path}: {told['pictures']} pictures, {told['broken']} broken, {told['hidden']} too small, {len(told['heads'])} sections, "
              f"{told['rows']} rows of tables, {len(told['from'])} files from elsewhere, {told['wide']} pixels too wide: "
              f"{'fine' if fine else 'NOT fine'}")
        good &= fine
    sys.exit(0 if good else 1)


main()
