"""Reads and writes the CDMS/JPL .cat format (Pickett et al. 1998), and partition function tables."""

import math
from dataclasses import dataclass, field

HEADER_Q_JPL = (300.0, 225.0, 150.0, 75.0, 37.5, 18.75, 9.375)
HEADER_Q_CDMS = (1000.0, 500.0, 300.0, 225.0, 150.0, 75.0, 37.5, 18.75, 9.375, 5.0, 2.725)


@dataclass
class Line:
    """One transition: MHz, MHz, log10 nm^2 MHz at 300 K, 1/cm."""

    freq_mhz: float
    err_mhz: float
    lgint: float
    dof: int
    elow_cm: float
    gup: int
    upper: list = field(default_factory=list)
    lower: list = field(default_factory=list)
    text: str = ""
    raw_quanta: str = ""
    measured: bool = False
    a_source: float = math.nan  # A_ul * g_u as the source gives them, for the checks


def _letter_code(value, width):
    """The catalogue's way to fit large or negative numbers: 100 -> A0, -10 -> a0, 1000 -> A00 (width 3)."""
    top = 10 ** (width - 1)
    if -top < value < 10 * top:
        return f"{value:{width}d}"
    if value >= 10 * top:
        head, tail = divmod(value - 10 * top, top)
        letter = chr(ord("A") + head)
    else:
        head, tail = divmod(-value - top, top)
        letter = chr(ord("a") + head)
    if head > 25:
        raise ValueError(f"{value} does not fit into {width} columns")
    return f"{letter}{tail:0{width - 1}d}"


def _letter_decode(text):
    text = text.strip()
    if not text:
        return 0
    if text[0].isalpha():
        scale = 10 ** (len(text) - 1)
        if text[0].isupper():
            return (ord(text[0]) - ord("A") + 10) * scale + int(text[1:])
        return -((ord(text[0]) - ord("a") + 1) * scale + int(text[1:]))
    return int(text)


def format_line(line, tag, with_text):
    """One line of a .cat file; the source's own label follows in column 82 where asked for."""
    if line.raw_quanta:
        quanta = line.raw_quanta
    else:
        n = min(len(line.upper), 6)
        up = "".join(_letter_code(q, 2) for q in line.upper[:n])
        low = "".join(_letter_code(q, 2) for q in line.lower[:n])
        quanta = f"{300 + n:4d}{up:12s}{low:12s}"
    signed_tag = -tag if line.measured else tag
    out = (
        f"{line.freq_mhz:13.4f}{line.err_mhz:8.4f}{line.lgint:8.4f}{line.dof:2d}{line.elow_cm:10.4f}"
        f"{_letter_code(line.gup, 3)}{signed_tag:7d}{quanta}"
    )
    return f"{out:<80s} {line.text}".rstrip() if with_text and line.text else out.rstrip()


def read_cat(lines):
    """Lines of a .cat file that already is in the format; quantum numbers are carried over as they are."""
    out = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            out.append(
                Line(
                    float(text[0:13]),
                    float(text[13:21]),
                    float(text[21:29]),
                    int(text[29:31]),
                    float(text[31:41]),
                    _letter_decode(text[41:44]),
                    raw_quanta=text[51:79].rstrip("\n"),
                    measured=int(text[44:51]) < 0,
                )
            )
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return out


def jpl_partition(lines):
    """tag -> {name, version, q: {T: Q}} from JPL's catdir.cat (a zero marks a value that is not there)."""
    table = {}
    for text in lines:
        if not text.strip():
            continue
        logs = [float(text[26 + 7 * i : 33 + 7 * i]) for i in range(7)]
        table[int(text[:6])] = {
            "name": text[7:20].strip(),
            "lines": int(text[20:26]),
            "version": text[75:].strip(),
            "q": {t: 10.0**v for t, v in zip(HEADER_Q_JPL, logs) if v > -3.9},
        }
    return table


def cdms_partition(partfunc_lines, catdir_lines):
    """tag -> {name, version, date, q} from CDMS's partition function table and directory."""
    table = {}
    for text in partfunc_lines:
        cells = [c.strip() for c in text.strip().strip("|").split("|")]
        if len(cells) < 14 or cells[0] == "tag":
            continue
        q = {t: 10.0 ** float(v) for t, v in zip(HEADER_Q_CDMS, cells[3:]) if v != "nan"}
        table[int(cells[0])] = {"name": cells[1], "lines": int(cells[2]), "version": "", "date": "", "q": q}
    for text in catdir_lines:
        cells = [c.strip() for c in text.strip().strip("|").split("|")]
        if len(cells) >= 6 and cells[0].isdigit() and int(cells[0]) in table:
            table[int(cells[0])].update(version=cells[3], date=cells[5])
    return table
