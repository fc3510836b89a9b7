//! IOS-XE configuration text.

use dmvpn::Engine;
use dmvpn::config::{Nbma, ios};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::clock;

/// Reads and validates a text, and builds an engine from what comes out.
pub fn ios_config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.lines().count()).expect("a fuzzer's text is short");
    let parsed = ios::parse("fuzz.cfg", &text);
    let validated = parsed.config.validate();
    for one in parsed.diagnostics.iter().chain(&validated) {
        assert!(one.line.number <= lines, "a line that is not there: {one}");
        assert!(!one.to_string().contains('\n'), "more than one line: {one}");
        assert!(!(one.message.is_empty() && one.expected.is_empty()), "nothing is said: {one:?}");
    }
    assert!(parsed.diagnostics.iter().all(|one| one.line.number > 0), "a line has a number");
    assert_eq!(ios::parse("fuzz.cfg", &text), parsed, "the same text means the same");
    drop(format!("{parsed:?}"));

    let is_valid = !parsed.has_errors() && !validated.iter().any(|one| one.is_error());
    // A file without a tunnel is a good one, but not for an engine; names are for the embedder to resolve.
    let has_tunnel = parsed.config.tunnels().any(|(interface, _)| !interface.shutdown);
    let has_name = parsed
        .config
        .tunnels()
        .flat_map(|(_, tunnel)| &tunnel.nhrp.nhs)
        .any(|nhs| matches!(nhs.nbma, Some(Nbma::Name(_))));
    let is_complete = has_tunnel && !has_name;
    let built = Engine::new(parsed.config, ChaCha20Rng::seed_from_u64(1), clock::start());
    if let Err(error) = built {
        drop(error.to_string());
        assert!(!(is_valid && is_complete), "it is valid, but no engine can be built from it: {error}");
    }
}
