//! IKEv2 (RFC 7296) as a state machine without I/O
#![forbid(unsafe_code)]
