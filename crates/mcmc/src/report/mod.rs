//! Writes tables and pictures of a finished fit.
