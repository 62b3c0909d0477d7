//! Evaluates delays and uvw from polynomials.
