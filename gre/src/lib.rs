//! GRE headers (RFC 2784, RFC 2890): decode, push and pull in place
#![forbid(unsafe_code)]
