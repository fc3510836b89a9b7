//! Sequence tests.
