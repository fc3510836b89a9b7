//! Fuzz bodies as functions.
