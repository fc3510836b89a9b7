//! Header tests.
