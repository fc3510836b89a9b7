//! Codec tests that need no capture file.
