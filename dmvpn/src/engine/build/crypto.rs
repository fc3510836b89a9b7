//! IKEv2 and IPsec: from IOS's keyrings, proposals, policies, profiles and transform sets to an endpoint's
//! configuration.

use std::net::IpAddr;
use std::time::Duration;

use ikev2::{DpdMode, Encryption, Group, Integrity, Prf, Secret};

use super::Errors;
use crate::config::{
    self, Config, EspEncryption, EspIntegrity, Hash, IkeEncryption, IkeProfile, IpsecProfile, VolumeLimit,
};

/// Liveness checks where the configuration asks for none. IOS then has none at all, and a peer that vanished is found only
/// when NHRP or the SA expires; a tunnel that carries data into nowhere for that long is what these routers are not
/// to do. A check is sent only when packets go out and none come in.
const DEFAULT_DPD: ikev2::Dpd =
    ikev2::Dpd { interval: Duration::from_secs(10), retry: Duration::from_secs(2), mode: DpdMode::OnDemand };

pub(super) fn endpoint_config(
    config: &Config,
    local: IpAddr,
    ipsec_profiles: &[String],
    key_log: bool,
    errors: &mut Errors,
) -> ikev2::Config {
    let mut endpoint = ikev2::Config::new(local);
    endpoint.key_log = key_log;
    endpoint.fragmentation.enabled = !config.ike.no_fragmentation;
    if let Some(mtu) = config.ike.fragmentation_mtu {
        endpoint.fragmentation.size = usize::from(mtu);
    }
    if let Some(window) = config.ike.window.and_then(|window| u8::try_from(window).ok()) {
        endpoint.window = window;
    }
    if let Some(threshold) = config.ike.cookie_challenge {
        endpoint.limits.cookie_threshold = threshold as usize;
    }
    if let Some(half_open) = config.ike.max_in_negotiation {
        endpoint.limits.half_open = half_open as usize;
    }
    if let Some(sas) = config.ike.max_sas {
        endpoint.limits.peers = sas as usize;
    }
    for name in ipsec_profiles {
        match profile(config, local, name) {
            Ok(profile) => endpoint.profiles.push(profile),
            Err(error) => errors.push(error),
        }
    }
    endpoint
}

fn profile(config: &Config, local: IpAddr, name: &str) -> Result<ikev2::Profile, String> {
    let ipsec =
        config.ipsec_profile(name).ok_or_else(|| format!("there is no crypto ipsec profile {name}"))?;
    let ike_name = ipsec.ike_profile.as_deref();
    let ike = ike_name
        .and_then(|name| config.ike_profile(name))
        .ok_or_else(|| format!("crypto ipsec profile {name} names no IKEv2 profile that exists"))?;
    let mut profile = ikev2::Profile::new(ike.name.clone(), keyring(config, ike)?);
    profile.local_identity = ike.identity_local.as_ref().map(identity);
    profile.match_remote = ike.match_remote.iter().map(identity_match).collect();
    profile.proposals = config.proposals_for(local).iter().map(ike_proposal).collect();
    profile.child = child_policy(config, ipsec)?;
    profile.lifetime = ike.lifetime;
    let dpd = ike.dpd.or(config.ike.dpd).map(|dpd| ikev2::Dpd {
        interval: dpd.interval,
        retry: dpd.retry,
        mode: if dpd.on_demand { DpdMode::OnDemand } else { DpdMode::Periodic },
    });
    profile.dpd = Some(dpd.unwrap_or(DEFAULT_DPD));
    if let Some(interval) = ike.nat_keepalive.or(config.ike.nat_keepalive) {
        profile.nat_keepalive = interval;
    }
    profile.force_udp_encapsulation = ike.force_encapsulation;
    profile.responder_only = ipsec.responder_only;
    Ok(profile)
}

fn keyring(config: &Config, profile: &IkeProfile) -> Result<ikev2::Keyring, String> {
    let mut keyring = ikev2::Keyring::default();
    if let (Some(local), Some(remote)) = (&profile.local_key, &profile.remote_key) {
        keyring.peers.push(ikev2::KeyringPeer {
            name: profile.name.clone(),
            address: None,
            identity: Some(ikev2::IdentityMatch::Any),
            local_key: secret(local),
            remote_key: secret(remote),
            ppk: None,
        });
        return Ok(keyring);
    }
    let name = profile.keyring.as_deref().unwrap_or_default();
    let configured = config.keyring(name).ok_or_else(|| {
        format!("crypto ikev2 profile {} has no pre-shared key and no keyring", profile.name)
    })?;
    for peer in &configured.peers {
        // A peer without keys is legal IOS: it simply never matches.
        let (Some(local), Some(remote)) = (&peer.local_key, &peer.remote_key) else { continue };
        keyring.peers.push(ikev2::KeyringPeer {
            name: peer.name.clone(),
            address: peer.address,
            identity: peer.identity.as_ref().map(|identity| match identity {
                config::Identity::Address(address) => ikev2::IdentityMatch::Address((*address).into()),
                config::Identity::Fqdn(name) => ikev2::IdentityMatch::Fqdn(name.clone()),
                config::Identity::Email(name) => ikev2::IdentityMatch::Email(name.clone()),
                config::Identity::KeyId(key) => ikev2::IdentityMatch::KeyId(key.clone().into_bytes()),
            }),
            local_key: secret(local),
            remote_key: secret(remote),
            ppk: None,
        });
    }
    Ok(keyring)
}

fn secret(secret: &config::Secret) -> Secret {
    Secret::new(secret.expose().to_vec())
}

fn identity(identity: &config::Identity) -> ikev2::Identity {
    match identity {
        config::Identity::Address(address) => ikev2::Identity::Address(*address),
        config::Identity::Fqdn(name) => ikev2::Identity::Fqdn(name.clone()),
        config::Identity::Email(name) => ikev2::Identity::Email(name.clone()),
        config::Identity::KeyId(key) => ikev2::Identity::KeyId(key.clone().into_bytes()),
    }
}

pub(super) fn identity_match(pattern: &config::IdentityMatch) -> ikev2::IdentityMatch {
    match pattern {
        config::IdentityMatch::Any => ikev2::IdentityMatch::Any,
        config::IdentityMatch::Address(prefix) => ikev2::IdentityMatch::Address(*prefix),
        config::IdentityMatch::Fqdn(name) => ikev2::IdentityMatch::Fqdn(name.clone()),
        config::IdentityMatch::FqdnDomain(domain) => ikev2::IdentityMatch::Domain(domain.clone()),
        config::IdentityMatch::Email(name) => ikev2::IdentityMatch::Email(name.clone()),
        config::IdentityMatch::EmailDomain(domain) => ikev2::IdentityMatch::EmailDomain(domain.clone()),
        config::IdentityMatch::KeyId(key) => ikev2::IdentityMatch::KeyId(key.clone().into_bytes()),
    }
}

fn ike_proposal(proposal: &config::IkeProposal) -> ikev2::IkeProposal {
    ikev2::IkeProposal {
        encryption: proposal.encryption.iter().map(|encryption| ike_encryption(*encryption)).collect(),
        integrity: proposal.integrity.iter().map(|hash| integrity(*hash)).collect(),
        prf: proposal.effective_prf().iter().map(|hash| prf(*hash)).collect(),
        groups: proposal.groups.iter().map(|of| group(*of)).collect(),
    }
}

fn child_policy(config: &Config, profile: &IpsecProfile) -> Result<ikev2::ChildPolicy, String> {
    let mut policy = ikev2::ChildPolicy::default();
    policy.transforms.clear();
    for (place, name) in profile.transform_sets.iter().enumerate() {
        let set = config
            .transform_set(name)
            .ok_or_else(|| format!("there is no crypto ipsec transform-set {name}"))?;
        policy.transforms.push(ikev2::EspProposal {
            encryption: vec![esp_encryption(set.encryption)],
            integrity: vec![set.integrity.map_or(Integrity::None, esp_integrity)],
            esn: set.esn,
        });
        let mode = match set.mode {
            config::Mode::Transport => ikev2::Mode::Transport,
            config::Mode::Tunnel => ikev2::Mode::Tunnel,
        };
        if place > 0 && mode != policy.mode {
            return Err(format!(
                "crypto ipsec profile {}: all transform sets need the same mode",
                profile.name
            ));
        }
        policy.mode = mode;
    }
    policy.pfs = profile.pfs.map(group).into_iter().collect();
    policy.lifetime = config.sa_lifetime(profile);
    policy.lifetime_bytes = match config.sa_volume(profile) {
        VolumeLimit::Off => None,
        VolumeLimit::Kilobytes(kilobytes) => Some(u64::from(kilobytes) * 1024),
    };
    Ok(policy)
}

fn ike_encryption(encryption: IkeEncryption) -> Encryption {
    match encryption {
        IkeEncryption::AesCbc128 => Encryption::AesCbc128,
        IkeEncryption::AesCbc192 => Encryption::AesCbc192,
        IkeEncryption::AesCbc256 => Encryption::AesCbc256,
        IkeEncryption::AesGcm128 => Encryption::AesGcm128,
        IkeEncryption::AesGcm256 => Encryption::AesGcm256,
        IkeEncryption::ChaCha20Poly1305 => Encryption::ChaCha20Poly1305,
    }
}

fn esp_encryption(encryption: EspEncryption) -> Encryption {
    match encryption {
        EspEncryption::AesCbc128 => Encryption::AesCbc128,
        EspEncryption::AesCbc192 => Encryption::AesCbc192,
        EspEncryption::AesCbc256 => Encryption::AesCbc256,
        EspEncryption::AesGcm128 => Encryption::AesGcm128,
        EspEncryption::AesGcm256 => Encryption::AesGcm256,
        EspEncryption::ChaCha20Poly1305 => Encryption::ChaCha20Poly1305,
    }
}

fn integrity(hash: Hash) -> Integrity {
    match hash {
        Hash::Sha1 => Integrity::HmacSha1_96,
        Hash::Sha256 => Integrity::HmacSha256_128,
        Hash::Sha384 => Integrity::HmacSha384_192,
        Hash::Sha512 => Integrity::HmacSha512_256,
    }
}

fn esp_integrity(integrity: EspIntegrity) -> Integrity {
    match integrity {
        EspIntegrity::Sha1 => Integrity::HmacSha1_96,
        EspIntegrity::Sha256 => Integrity::HmacSha256_128,
        EspIntegrity::Sha384 => Integrity::HmacSha384_192,
        EspIntegrity::Sha512 => Integrity::HmacSha512_256,
    }
}

fn prf(hash: Hash) -> Prf {
    match hash {
        Hash::Sha1 => Prf::HmacSha1,
        Hash::Sha256 => Prf::HmacSha256,
        Hash::Sha384 => Prf::HmacSha384,
        Hash::Sha512 => Prf::HmacSha512,
    }
}

fn group(group: config::Group) -> Group {
    match group {
        config::Group::G14 => Group::Modp2048,
        config::Group::G15 => Group::Modp3072,
        config::Group::G16 => Group::Modp4096,
        config::Group::G19 => Group::Ecp256,
        config::Group::G20 => Group::Ecp384,
        config::Group::G21 => Group::Ecp521,
        config::Group::G31 => Group::Curve25519,
    }
}
