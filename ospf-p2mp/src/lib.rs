//! OSPFv2 (RFC 2328) over point-to-multipoint tunnels without I/O, with next hops that make DMVPN phase 2 work
#![forbid(unsafe_code)]
