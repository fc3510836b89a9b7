//! A DMVPN hub or spoke, phases 1, 2 and 3, as a library without I/O
#![forbid(unsafe_code)]
