//! Digests against published vectors.
