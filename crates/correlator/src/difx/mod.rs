//! Reads the files of a DiFX job.
