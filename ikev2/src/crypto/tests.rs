//! Published vectors, and the recorded strongSwan negotiations.

use std::fs;
use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::Value;

use super::*;
use crate::secret::SecretBytes;
use crate::wire::{
    ExchangeType, Header, Identification, Message, Notify, NotifyType, Payload, PayloadType,
    TransformAttribute, TransformType, decode_payloads, encode_payloads,
};

fn data(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(value[name].as_str().unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

fn secret(value: &Value, name: &str) -> SecretBytes {
    SecretBytes::new(bytes(value, name))
}

#[test]
fn kdf_vectors() {
    let vectors = data("ikev2_kdf.json");
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let prf = match vector["prf"].as_str().unwrap() {
            "HMAC-SHA1" => Prf::HmacSha1,
            "HMAC-SHA2-256" => Prf::HmacSha256,
            "HMAC-SHA2-384" => Prf::HmacSha384,
            "HMAC-SHA2-512" => Prf::HmacSha512,
            other => panic!("{other}"),
        };
        let (ni, nr) = (bytes(vector, "ni"), bytes(vector, "nr"));
        let seed = skeyseed_initial(prf, &ni, &nr, &bytes(vector, "gir"));
        assert_eq!(seed, secret(vector, "skeyseed"));
        let dkm = secret(vector, "dkm");
        let (spi_i, spi_r) = (bytes(vector, "spi_i"), bytes(vector, "spi_r"));
        assert_eq!(prf.expand(seed.expose(), &[&ni, &nr, &spi_i, &spi_r], dkm.len()), dkm);
        let sk_d = SecretBytes::from(&dkm.expose()[..prf.output_len()]);
        let child = secret(vector, "dkm_child");
        assert_eq!(prf.expand(sk_d.expose(), &[&ni, &nr], child.len()), child);
        let child_dh = secret(vector, "dkm_child_dh");
        let new = bytes(vector, "gir_new");
        assert_eq!(prf.expand(sk_d.expose(), &[&new, &ni, &nr], child_dh.len()), child_dh);
        assert_eq!(skeyseed_rekey(prf, &sk_d, &new, &ni, &nr), secret(vector, "skeyseed_rekey"));
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn rfc7634_message_both_ways() {
    let vector = data("rfc7634_chacha20poly1305.json");
    let mut key = bytes(&vector, "key");
    key.extend(bytes(&vector, "salt"));
    let wire = bytes(&vector["ikev2"], "message");
    let suite = IkeSuite {
        encryption: Encryption::ChaCha20Poly1305,
        integrity: Integrity::None,
        prf: Prf::HmacSha256,
        group: Group::Curve25519,
    };
    let none = SecretBytes::default;
    let keys = IkeKeys {
        sk_d: none(),
        sk_ai: none(),
        sk_ar: none(),
        sk_ei: none(),
        sk_er: SecretBytes::new(key),
        sk_pi: none(),
        sk_pr: none(),
    };
    let envelope = Envelope::new(suite, &keys, Direction::FromResponder);
    let message = Message::decode(&wire).unwrap();
    let sealed = message.sealed.clone().unwrap();
    let plain = envelope.open(&wire, &sealed).unwrap();
    let payloads = decode_payloads(sealed.first, &plain).unwrap();
    let expected = Notify::with_data(NotifyType::SET_WINDOW_SIZE, vec![0, 0, 0, 10]);
    assert_eq!(payloads, [Payload::Notify(expected)]);
    let mut iv = [0; 16];
    iv[..8].copy_from_slice(&bytes(&vector["ikev2"], "iv"));
    let (first, plain) = encode_payloads(&payloads);
    assert_eq!(envelope.seal_with_iv(message.header, first, &plain, None, iv), wire);
}

/// One IKE SA of a recording, with its keys as strongSwan exported them.
struct Recorded {
    suite: IkeSuite,
    keys: IkeKeys,
}

fn recorded_suite(init_response: &[u8]) -> IkeSuite {
    let message = Message::decode(init_response).unwrap();
    let Some(Payload::SecurityAssociation(proposals)) = message.payloads.first() else { panic!("no SA") };
    suite_of(&proposals[0])
}

fn suite_of(proposal: &crate::wire::Proposal) -> IkeSuite {
    let of = |wanted: TransformType| proposal.transforms.iter().find(|t| t.transform_type == wanted);
    let encryption = of(TransformType::ENCRYPTION).unwrap();
    IkeSuite {
        encryption: Encryption::ALL.into_iter().find(|e| e.transform() == *encryption).unwrap(),
        integrity: of(TransformType::INTEGRITY).map_or(Integrity::None, |transform| {
            Integrity::ALL.into_iter().find(|i| i.id().0 == transform.id).unwrap()
        }),
        prf: Prf::ALL.into_iter().find(|p| p.id().0 == of(TransformType::PRF).unwrap().id).unwrap(),
        group: Group::ALL
            .into_iter()
            .find(|g| g.id().0 == of(TransformType::KEY_EXCHANGE).unwrap().id)
            .unwrap(),
    }
}

fn keys_of(sa: &Value) -> IkeKeys {
    IkeKeys {
        sk_d: secret(sa, "sk_d"),
        sk_ai: secret(sa, "sk_ai"),
        sk_ar: secret(sa, "sk_ar"),
        sk_ei: secret(sa, "sk_ei"),
        sk_er: secret(sa, "sk_er"),
        sk_pi: secret(sa, "sk_pi"),
        sk_pr: secret(sa, "sk_pr"),
    }
}

const NEGOTIATIONS: [&str; 11] = [
    "cookie",
    "crossed-initiation",
    "err-no-proposal-child",
    "err-ts-unacceptable",
    "err-wrong-psk",
    "fragmentation",
    "invalid-ke",
    "psk-transport-gre",
    "psk-transport-gre-natt",
    "rekey-child-collision",
    "suite-gcm128-sha256-ecp256-esn",
];

fn negotiation(name: &str) -> Value {
    data(&format!("negotiations/{name}/golden.json"))
}

fn spi(sa: &Value, name: &str) -> u64 {
    u64::from_str_radix(sa[name].as_str().unwrap(), 16).unwrap()
}

#[test]
fn recorded_key_schedules() {
    for name in NEGOTIATIONS {
        let golden = negotiation(name);
        let suite = recorded_suite(&bytes(&golden, "ike_sa_init_response"));
        let (ni, nr) = (bytes(&golden, "ni"), bytes(&golden, "nr"));
        let sa = &golden["ike_sas"][0];
        let seed = skeyseed_initial(suite.prf, &ni, &nr, &bytes(sa, "shared_secret"));
        assert_eq!(seed, secret(sa, "skeyseed"), "{name}");
        let keys = IkeKeys::derive(suite, &seed, &ni, &nr, spi(sa, "spi_i"), spi(sa, "spi_r"));
        assert_eq!(keys, keys_of(sa), "{name}");
    }
}

/// Opens every encrypted message of every recording with the keys that we derive, and seals it
/// again.
#[test]
fn recorded_messages_open_and_seal_again() {
    let (mut opened, mut parsed) = (0, 0);
    for name in NEGOTIATIONS {
        let golden = negotiation(name);
        let suite = recorded_suite(&bytes(&golden, "ike_sa_init_response"));
        let sas: Vec<(u64, Recorded)> = golden["ike_sas"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sa| (spi(sa, "spi_i"), Recorded { suite, keys: keys_of(sa) }))
            .collect();
        for recorded in golden["messages"].as_array().unwrap() {
            let (Some(raw), Some(plaintext)) = (recorded["raw"].as_str(), recorded["plaintext"].as_str())
            else {
                continue;
            };
            let (raw, plaintext) = (hex::decode(raw).unwrap(), hex::decode(plaintext).unwrap());
            let message = Message::decode(&raw).unwrap();
            assert_eq!(message.encode(), raw, "{name}");
            let sealed = message.sealed.clone().unwrap();
            let (_, sa) = sas.iter().find(|(spi_i, _)| *spi_i == message.header.spi_i).unwrap();
            let direction = if message.header.from_initiator() {
                Direction::FromInitiator
            } else {
                Direction::FromResponder
            };
            let envelope = Envelope::new(sa.suite, &sa.keys, direction);
            let plain = envelope.open(&raw, &sealed).unwrap();
            let whole = sealed.fragment.is_none();
            if whole {
                assert_eq!(plain.as_slice(), plaintext, "{name}");
                let payloads = decode_payloads(sealed.first, &plain).unwrap();
                assert_eq!(encode_payloads(&payloads), (sealed.first, plain.to_vec()), "{name}");
                assert_eq!(payloads.len(), recorded["payloads"].as_array().unwrap().len());
                parsed += 1;
            }
            let mut iv = [0; 16];
            let iv_len = sa.suite.encryption.iv_len();
            iv[..iv_len].copy_from_slice(&sealed.body[..iv_len]);
            let again = envelope.seal_with_iv(message.header, sealed.first, &plain, sealed.fragment, iv);
            // strongSwan fills the padding with random bytes: all but the last block and the check value is the same.
            let same = if sa.suite.encryption.is_aead() { raw.len() } else { raw.len() - 16 - 16 };
            assert_eq!(again.len(), raw.len(), "{name}");
            assert_eq!(again[..same], raw[..same], "{name}");
            let reopened = envelope.open(&again, &Message::decode(&again).unwrap().sealed.unwrap()).unwrap();
            assert_eq!(reopened, plain);
            opened += 1;
            let mut forged = raw.clone();
            *forged.last_mut().unwrap() ^= 1;
            let sealed = Message::decode(&forged).unwrap().sealed.unwrap();
            assert_eq!(envelope.open(&forged, &sealed), Err(EnvelopeError::Integrity));
        }
    }
    assert!(opened >= 50 && parsed >= 45, "{opened} {parsed}");
}

#[test]
fn recorded_auth_payloads() {
    let mut seen = 0;
    for name in NEGOTIATIONS {
        let golden = negotiation(name);
        let suite = recorded_suite(&bytes(&golden, "ike_sa_init_response"));
        let sa = &golden["ike_sas"][0];
        let psk = SecretBytes::from_text(golden["psk_ascii"].as_str().unwrap());
        let (ni, nr) = (bytes(&golden, "ni"), bytes(&golden, "nr"));
        for message in golden["messages"].as_array().unwrap() {
            let Some(auth) = message.get("auth").filter(|auth| auth.is_object()) else { continue };
            let from_initiator = message["flags"].as_u64().unwrap() & 8 != 0;
            let (own, nonce, sk_p) = if from_initiator {
                ("ike_sa_init_request", &nr, "sk_pi")
            } else {
                ("ike_sa_init_response", &ni, "sk_pr")
            };
            let body = bytes(auth, "id_payload_body");
            let identity = crate::wire::Identity::from_wire(crate::wire::IdType(body[0]), &body[4..]);
            assert_eq!(Identification::new(identity).body(), body);
            let made = psk_auth(suite.prf, &psk, &bytes(&golden, own), nonce, &secret(sa, sk_p), &body, &[]);
            let matches = psk_auth_verify(&made, &bytes(auth, "auth"));
            assert_eq!(matches, auth["verified"].as_bool().unwrap(), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 18, "{seen}");
}

#[test]
fn recorded_child_keys() {
    let mut seen = 0;
    for name in NEGOTIATIONS {
        let golden = negotiation(name);
        let prf = recorded_suite(&bytes(&golden, "ike_sa_init_response")).prf;
        let sk_d = secret(&golden["ike_sas"][0], "sk_d");
        for child in golden["child_sas"].as_array().unwrap() {
            let transforms = &child["transforms"];
            let bits = transforms["1"][1].as_u64().and_then(|bits| u16::try_from(bits).ok());
            let encryption = Encryption::ALL
                .into_iter()
                .find(|e| {
                    Some(u64::from(e.id().0)) == transforms["1"][0].as_u64()
                        && e.transform().attributes.first()
                            == bits.map(TransformAttribute::KeyLength).as_ref()
                })
                .unwrap();
            let integrity = Integrity::ALL
                .into_iter()
                .find(|i| Some(u64::from(i.id().0)) == transforms["3"][0].as_u64())
                .unwrap_or(Integrity::None);
            let suite = ChildSuite { encryption, integrity, esn: transforms["5"][0] == 1 };
            let seed = bytes(child, "keymat_seed");
            let (ni, nr) = seed.split_at(seed.len() / 2);
            let keys = ChildKeys::derive(prf, &sk_d, suite, None, ni, nr, &[]);
            let expected = ChildKeys {
                encryption_i: secret(child, "encr_i"),
                integrity_i: secret(child, "integ_i"),
                encryption_r: secret(child, "encr_r"),
                integrity_r: secret(child, "integ_r"),
            };
            assert_eq!(keys, expected, "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 11, "{seen}");
}

#[test]
fn recorded_ike_rekey() {
    let golden = negotiation("psk-transport-gre");
    let suite = recorded_suite(&bytes(&golden, "ike_sa_init_response"));
    let (old, new) = (&golden["ike_sas"][0], &golden["ike_sas"][1]);
    let messages = golden["messages"].as_array().unwrap();
    let nonce = |flags: u64| {
        let message =
            messages.iter().find(|m| m["exchange"] == 36 && m["flags"] == flags && m["mid"] == 0).unwrap();
        let sealed = Message::decode(&bytes(message, "raw")).unwrap().sealed.unwrap();
        let payloads = decode_payloads(sealed.first, &bytes(message, "plaintext")).unwrap();
        payloads
            .into_iter()
            .find_map(|payload| match payload {
                Payload::Nonce(nonce) => Some(nonce),
                _ => None,
            })
            .unwrap()
    };
    let (ni, nr) = (nonce(0), nonce(40));
    let seed = skeyseed_rekey(suite.prf, &secret(old, "sk_d"), &bytes(new, "shared_secret"), &ni, &nr);
    assert_eq!(seed, secret(new, "skeyseed"));
    let keys = IkeKeys::derive(suite, &seed, &ni, &nr, spi(new, "spi_i"), spi(new, "spi_r"));
    assert_eq!(keys, keys_of(new));
}

#[test]
fn every_group_agrees_and_refuses_bad_values() {
    for &backend in Backend::ALL {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for group in Group::ALL {
            let (a, b) = (
                KeyPair::generate_with(backend, group, &mut rng),
                KeyPair::generate_with(backend, group, &mut rng),
            );
            assert_eq!(a.public().len(), group.public_len());
            let shared = a.agree(b.public()).unwrap();
            assert_eq!(shared, b.agree(a.public()).unwrap());
            assert_eq!(Group::from_id(group.id()), Some(group));
            let name = format!("{backend} {group:?}");
            let mut long = b.public().to_vec();
            long.push(0);
            assert_eq!(a.agree(&long), Err(KeyExchangeError::Length), "{name}");
            assert_eq!(a.agree(&long[1..long.len() - 1]), Err(KeyExchangeError::Length), "{name}");
            assert_eq!(a.agree(&[]), Err(KeyExchangeError::Length), "{name}");
            assert_eq!(a.agree(&vec![0; group.public_len()]), Err(KeyExchangeError::PublicValue), "{name}");
            if group != Group::Curve25519 {
                let ones = vec![0xff; group.public_len()];
                assert_eq!(a.agree(&ones), Err(KeyExchangeError::PublicValue), "{name}");
                let mut one = vec![0; group.public_len()];
                *one.last_mut().unwrap() = 1;
                assert_eq!(a.agree(&one), Err(KeyExchangeError::PublicValue), "{name}");
            }
        }
    }
}

/// RFC 6989 section 2.1: p - 1 has order two.
#[test]
fn modp_refuses_p_minus_one() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let pair = KeyPair::generate(Group::Modp2048, &mut rng);
    // The modulus, from RFC 3526 section 3, ends in FFFFFFFF FFFFFFFF.
    let modulus = hex::decode(concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
        "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    ))
    .unwrap();
    let mut value = modulus.clone();
    *value.last_mut().unwrap() = 0xfe;
    assert_eq!(pair.agree(&value), Err(KeyExchangeError::PublicValue), "p - 1");
    assert_eq!(pair.agree(&modulus), Err(KeyExchangeError::PublicValue), "p");
    *value.last_mut().unwrap() = 0xfd;
    assert!(pair.agree(&value).is_ok(), "p - 2");
}

#[test]
fn every_suite_seals_and_opens() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let header = Header {
        spi_i: 1,
        spi_r: 2,
        next: PayloadType::NONE,
        minor_version: 0,
        exchange: ExchangeType::INFORMATIONAL,
        flags: 8,
        message_id: 3,
    };
    for encryption in Encryption::ALL {
        for integrity in Integrity::ALL {
            let integrity = if encryption.is_aead() { Integrity::None } else { integrity };
            let suite = IkeSuite { encryption, integrity, prf: Prf::HmacSha256, group: Group::Curve25519 };
            let keys = IkeKeys::derive(suite, &SecretBytes::from("seed"), &[1; 16], &[2; 16], 1, 2);
            let mut envelope = Envelope::new(suite, &keys, Direction::FromInitiator);
            for length in [0, 1, 15, 16, 17, 100] {
                let plain = vec![7; length];
                let wire = envelope.seal(header, PayloadType::NONE, &plain, None, &mut rng);
                assert!(wire.len() <= length + envelope.overhead());
                let sealed = Message::decode(&wire).unwrap().sealed.unwrap();
                assert_eq!(envelope.open(&wire, &sealed).unwrap().as_slice(), plain);
                for index in [0, 20, 27, wire.len() - 1, wire.len() / 2] {
                    let mut forged = wire.clone();
                    forged[index] ^= 0x40;
                    let result =
                        Message::decode(&forged).map(|m| m.sealed.map(|s| envelope.open(&forged, &s)));
                    assert!(!matches!(result, Ok(Some(Ok(_)))), "{encryption} byte {index}");
                }
            }
        }
    }
}
