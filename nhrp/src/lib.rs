//! NHRP (RFC 2332) for DMVPN: registration, resolution, purge, redirect and shortcut without I/O
#![forbid(unsafe_code)]
