//! Tells Cargo of the `cfg` that cargo-fuzz sets.

#[allow(clippy::print_stdout, reason = "it is how a build script speaks")]
fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    println!("cargo::rerun-if-changed=build.rs");
}
