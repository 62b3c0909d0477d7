"""Reads the quantum-number texts of Splatalogue's table."""

import re

_STATE = r"([A-Z]?\d+\(\s*-?\d+(?:,\s*-?\d+)?\))\s*(v=\s*\d+)?"
_TOP = re.compile(rf"\s*{_STATE}\s*-\s*{_STATE}(.*)$")
_LINEAR = re.compile(r"\s*(?:J=)?\s*(\d+)\s*-\s*(\d+)(.*)$")
_DOUBLET = re.compile(r"\s*J=\s*(\d+)\s*,(.*)$")  # within one J: l-type doubling
_DOUBLET_SIGMA = re.compile(r"\s*N=\s*(\d+)\s*-\s*(\d+),\s*J=\s*(\d+)/2\s*-\s*(\d+)/2(.*)$")
_HYPERFINE = re.compile(r"F=\s*([\d/]+)\s*-\s*([\d/]+)")
_NUMBERS = re.compile(r"[A-Z]\d|-?\d+")


def _number(text):
    """An integer in the catalogue's two-column code: A0 is 100, B3 is 113."""
    return (ord(text[0]) - ord("A") + 10) * 10 + int(text[1]) if text[0].isalpha() else int(text)


class Label:
    """Upper and lower rotational quantum numbers, and what follows them (symmetry, F, torsional state)."""

    def __init__(self, text):
        self.text = " ".join(re.sub(r"</?\w+>", "", text).split()).replace(" ,", ",")
        match = _TOP.match(text)
        if match:
            up, up_v, low, low_v, rest = match.groups()
            self.upper = [_number(n) for n in _NUMBERS.findall(up + " " + (up_v or ""))]
            self.lower = [_number(n) for n in _NUMBERS.findall(low + " " + (low_v or ""))]
        else:
            self.upper, self.lower, rest = self._other(text)
        self.rest = " ".join(re.sub(r"</?\w+>", "", rest).split())
        hyperfine = _HYPERFINE.search(rest)
        self.f_upper, self.f_lower = hyperfine.groups() if hyperfine else (None, None)

    @staticmethod
    def _other(text):
        """Linear molecules; half-integer J is rounded up as the catalogues do; no text means no numbers."""
        if not text.strip():
            return [], [], ""
        if match := _DOUBLET_SIGMA.match(text):
            n_up, n_low, j_up, j_low = (int(n) for n in match.groups()[:4])
            return [n_up, (j_up + 1) // 2], [n_low, (j_low + 1) // 2], match[5]
        if match := _LINEAR.match(text):
            return [int(match[1])], [int(match[2])], match[3]
        if match := _DOUBLET.match(text):
            return [int(match[1])], [int(match[1])], match[2]
        raise ValueError(f"quantum numbers not understood: {text!r}")

    @property
    def hyperfine(self):
        """Whether the text names F or F1: a component of a line that nuclear quadrupoles or spins split."""
        return ", F" in self.text

    @property
    def without_hyperfine(self):
        return self.text.split(", F")[0]

    @property
    def j_upper(self):
        return self.upper[0]

    @property
    def symmetry(self):
        """The symmetry letters alone: A, E, AA, EE, ... ; a sign (++, -+) means A; none means ''."""
        word = re.sub(r"[+\- ]", "", re.sub(r"(F|v<sub>t</sub>|vt|v|l)\s*=.*", "", self.rest.lstrip(", ")))
        return word if word else ("A" if re.search(r"[+-]{2}", self.rest) else "")

    def upper_state(self):
        """A key that names the upper state: torsional state and l included, parity left out."""
        torsion = re.search(r"vt=\s*(\d+)", self.rest)
        l_type = re.search(r"l=\s*(\S+)", self.rest)
        return (
            tuple(self.upper),
            self.symmetry,
            self.f_upper,
            torsion[1] if torsion else None,
            l_type[1] if l_type else None,
        )
