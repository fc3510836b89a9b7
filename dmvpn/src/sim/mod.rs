//! A deterministic network of engines.
