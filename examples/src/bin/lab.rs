//! A DMVPN cloud in one process.
fn main() {}
