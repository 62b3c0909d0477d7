#!/usr/bin/env python3
"""Runs a comparing script and says what it found: agrees (0), differs (1), cannot be run here (77), or that nothing was compared (70).

usage: verdict.py FILE SCRIPT ARGUMENT...

The verdict is added to FILE. A script that dies of an exception or ends with a message instead of a number has compared nothing: that is
no difference found, though Python's exit code is 1 for all three.
"""

import os
import runpy
import sys
import traceback

CODES = {"agrees": 0, "differs": 1, "not here": 77, "nothing compared": 70}


def verdict(script):
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = 0 if end.code is None else end.code
        for word in ("agrees", "differs", "not here"):
            if not isinstance(code, str) and code == CODES[word]:
                return word
        print(f"{script}: {code}", file=sys.stderr)
        return "nothing compared"
    except BaseException:  # whatever it is, it is told and counted as no verdict
        traceback.print_exc()
        return "nothing compared"
    return "agrees"


def main():
    file, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    word = verdict(script)
    with open(file, "a", encoding="utf-8") as verdicts:
        print(word, file=verdicts)
    print(f"verdict: {word}", file=sys.stderr)
    sys.exit(CODES[word])


main()
