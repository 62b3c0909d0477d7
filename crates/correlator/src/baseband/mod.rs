//! Reads and writes recordings: VDIF frames, samples by time, validity.
