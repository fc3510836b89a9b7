//! Digests against published packets, and keys that follow each other.

use std::time::{Duration, Instant};

use super::*;
use crate::wire::Packet;

#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}

fn vectors() -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var("DMVPN_CAPTURES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures").to_owned());
    let path = format!("{folder}/ospf/holo/packet-vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not here");
        return None;
    };
    Some(serde_json::from_str(&text).expect("vectors are JSON"))
}

fn algorithm(name: &str) -> Algorithm {
    match name {
        "Md5" => Algorithm::Md5,
        "HmacSha1" => Algorithm::HmacSha1,
        "HmacSha256" => Algorithm::HmacSha256,
        "HmacSha384" => Algorithm::HmacSha384,
        "HmacSha512" => Algorithm::HmacSha512,
        other => panic!("algorithm {other}"),
    }
}

fn chain(id: u8, algorithm: Algorithm, secret: &[u8]) -> Authentication {
    Authentication::Cryptographic(KeyChain::new(vec![Key::new(id, algorithm, secret)]))
}

#[test]
fn published_digests_are_made_and_accepted() {
    let Some(vectors) = vectors() else { return };
    let now = epoch();
    let mut seen = 0;
    for vector in vectors.iter().filter(|vector| !vector["auth"].is_null()) {
        let name = vector["name"].as_str().expect("a name");
        let bytes = hex::decode(vector["hex"].as_str().expect("hex")).expect("hex");
        let auth = &vector["auth"];
        let algorithm = algorithm(auth["alg"].as_str().expect("an algorithm"));
        let authentication = chain(1, algorithm, auth["key_ascii"].as_str().expect("a key").as_bytes());
        let sequence = u32::try_from(auth["seqno"].as_u64().expect("a number")).expect("a sequence number");
        let packet = Packet::decode(&bytes).expect(name);
        let sealed =
            authentication.seal(now, packet.router_id, packet.area, &packet.body, sequence).expect(name);
        assert_eq!(hex::encode(&sealed), hex::encode(&bytes[..sealed.len()]), "{name}");
        assert_eq!(
            authentication.verify(now, &bytes, packet.auth, &packet.trailer),
            Ok(Some(sequence)),
            "{name}"
        );
        // Every octet of packet and digest matters; the LLS block behind has a digest of its own.
        for position in 0..sealed.len() {
            let mut forged = bytes.clone();
            forged[position] ^= 1;
            if let Ok(packet) = Packet::decode(&forged) {
                let verdict = authentication.verify(now, &forged, packet.auth, &packet.trailer);
                assert!(verdict.is_err(), "{name}: octet {position}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}

/// RFC 2328 appendix D.4.3: the key counts as 16 octets, padded with zeros, so trailing zeros make no difference.
#[test]
fn md5_keys_are_padded() {
    let packet = [2u8; 44];
    let short = Key::new(1, Algorithm::Md5, b"secret");
    let padded = Key::new(1, Algorithm::Md5, b"secret\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(digest::compute(&short, &packet), digest::compute(&padded, &packet));
    assert_ne!(
        digest::compute(&short, &packet),
        digest::compute(&Key::new(1, Algorithm::Md5, b"Secret"), &packet)
    );
}

#[test]
fn keys_follow_each_other() {
    let start = epoch();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let life = |from: Option<u64>, until: Option<u64>| Lifetime { from: from.map(at), until: until.map(at) };
    let old = Key::new(1, Algorithm::Md5, b"old").with_lifetime(life(None, Some(100)), life(None, Some(130)));
    let new =
        Key::new(2, Algorithm::HmacSha256, b"new").with_lifetime(life(Some(100), None), life(Some(70), None));
    let chain = KeyChain::new(vec![old, new]);
    let sends = |seconds| chain.send_key(at(seconds)).map(Key::id);
    let accepts = |seconds, id| chain.accept_key(at(seconds), id).is_some();
    assert_eq!((sends(0), sends(99), sends(100)), (Some(1), Some(1), Some(2)));
    assert!(accepts(50, 1) && !accepts(50, 2));
    assert!(accepts(80, 1) && accepts(80, 2), "both during the change");
    assert!(accepts(120, 1) && accepts(120, 2));
    assert!(!accepts(140, 1) && accepts(140, 2));
    assert!(!accepts(80, 3), "an unknown key");
}

#[test]
fn the_last_key_outlives_its_time_rather_than_fall_silent() {
    let start = epoch();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let life = |until: u64| Lifetime { from: None, until: Some(at(until)) };
    let keys = [(1, 10), (2, 20)]
        .map(|(id, until)| Key::new(id, Algorithm::Md5, b"k").with_lifetime(life(until), life(until)));
    let chain = KeyChain::new(keys.to_vec());
    assert_eq!(chain.send_key(at(100)).map(Key::id), Some(2));
    assert!(chain.accept_key(at(100), 2).is_some() && chain.accept_key(at(100), 1).is_none());
}

#[test]
fn unusable_secrets_are_refused() {
    assert_eq!(Password::new(b""), Err(AuthConfigError::PasswordLength(0)));
    assert_eq!(Password::new(b"ninechars"), Err(AuthConfigError::PasswordLength(9)));
    let key = |id, secret: &[u8]| Key::new(id, Algorithm::Md5, secret);
    assert_eq!(KeyChain::new(vec![]).validate(), Err(AuthConfigError::NoKeys));
    let long = KeyChain::new(vec![key(4, b"seventeen octets!")]);
    assert_eq!(long.validate(), Err(AuthConfigError::KeyLength { id: 4, octets: 17 }));
    assert_eq!(
        KeyChain::new(vec![key(1, b"a"), key(1, b"b")]).validate(),
        Err(AuthConfigError::DuplicateKey(1))
    );
}

#[test]
fn secrets_are_not_shown() {
    let text = format!(
        "{:?} {:?} {:?}",
        Password::new(b"hunter2").expect("a password"),
        Key::new(1, Algorithm::Md5, b"hunter2"),
        AuthField::Simple(*b"hunter2\0"),
    );
    assert!(!text.contains("hunter") && !text.contains("104"), "{text}");
}

/// `ip ospf message-digest-key` lines have no lifetimes: the youngest, which is written last, signs.
#[test]
fn of_keys_without_lifetimes_the_last_one_signs() {
    let key = |id| Key::new(id, Algorithm::Md5, b"secret");
    let authentication = Authentication::Cryptographic(KeyChain::new(vec![key(9), key(2), key(5)]));
    assert_eq!(authentication.send_key_id(epoch()), Some(5));
}
