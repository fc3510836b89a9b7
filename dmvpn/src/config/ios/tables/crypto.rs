//! IKEv2 and IPsec.

use core::time::Duration;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::super::reader::{Mode, Reader};
use super::super::syntax::{Command, Matched};
use super::{
    SECOND, change_list, lacking, many, nothing_to_undo, one, open, open_named, part_without_effect,
    unsupported,
};
use crate::config::{
    Dpd, EspEncryption, EspIntegrity, Group, Hash, Identity, IdentityMatch, IkeEncryption, IkePolicy,
    IkeProfile, IkeProposal, IpsecProfile, Keyring, KeyringPeer, Mode as Encapsulation, Origin, ReplayWindow,
    Rule, SaLimits, Severity, TransformSet, VolumeLimit,
};

pub(super) const GLOBAL: &[Command] = &[
    open("crypto ikev2 keyring NAME", |r, m| {
        let Some(name) = m.text("keyring") else { return };
        let make = |origin| Keyring { name: name.into(), origin, ..Keyring::default() };
        open_named(r, m, |r| &mut r.config.keyrings, |one| one.name == name, make, Mode::Keyring);
    }),
    open("crypto ikev2 proposal NAME", |r, m| {
        let Some(name) = m.text("proposal") else { return };
        let make = |origin| IkeProposal { name: name.into(), origin, ..IkeProposal::default() };
        open_named(r, m, |r| &mut r.config.ike_proposals, |one| one.name == name, make, Mode::Proposal);
    }),
    open("crypto ikev2 policy NAME", |r, m| {
        let Some(name) = m.text("policy") else { return };
        let make = |origin| IkePolicy { name: name.into(), origin, ..IkePolicy::default() };
        open_named(r, m, |r| &mut r.config.ike_policies, |one| one.name == name, make, Mode::Policy);
    }),
    open("crypto ikev2 profile NAME", |r, m| {
        let Some(name) = m.text("profile") else { return };
        let make = |origin| IkeProfile { origin, ..IkeProfile::new(name) };
        open_named(r, m, |r| &mut r.config.ike_profiles, |one| one.name == name, make, Mode::IkeProfile);
    }),
    one("crypto ikev2 dpd <10-3600> <2-60> (on-demand|periodic)", |r, m| r.config.ike.dpd = dpd(m)),
    one("crypto ikev2 nat keepalive <5-3600>", |r, m| r.config.ike.nat_keepalive = m.seconds("keepalive")),
    one("crypto ikev2 window <1-200>", |r, m| r.config.ike.window = m.number("window")),
    one("crypto ikev2 cookie-challenge <1-1000>", |r, m| {
        r.config.ike.cookie_challenge = m.number("cookie-challenge");
    }),
    one("crypto ikev2 limit max-in-negotiation-sa <1-1000> [(incoming|outgoing)]", |r, m| {
        part_without_effect(r, m, &["incoming", "outgoing"], "the limit is for both together");
        r.config.ike.max_in_negotiation = m.number("max-in-negotiation-sa");
    }),
    one("crypto ikev2 limit max-sa <1-100000>", |r, m| r.config.ike.max_sas = m.number("max-sa")),
    one("crypto ikev2 fragmentation [mtu <68-1500>]", |r, m| {
        r.config.ike.no_fragmentation = m.negated;
        r.config.ike.fragmentation_mtu = m.number("mtu");
    }),
    open("crypto ipsec transform-set NAME NAME...", transform_set),
    open("crypto ipsec profile NAME", |r, m| {
        let Some(name) = m.text("profile") else { return };
        let make = |origin| IpsecProfile { name: name.into(), origin, ..IpsecProfile::default() };
        open_named(r, m, |r| &mut r.config.ipsec_profiles, |one| one.name == name, make, Mode::IpsecProfile);
    }),
    one("crypto ipsec security-association lifetime seconds <120-2592000>", |r, m| {
        r.config.ipsec.lifetime = m.seconds("seconds");
    }),
    one("crypto ipsec security-association lifetime kilobytes <2560-4294967295>", |r, m| {
        r.config.ipsec.volume = m.number("kilobytes").map(VolumeLimit::Kilobytes);
    }),
    one("crypto ipsec security-association lifetime kilobytes disable", |r, m| {
        r.config.ipsec.volume = (!m.negated).then_some(VolumeLimit::Off);
    }),
    one("crypto ipsec security-association idle-time <60-86400>", |r, m| {
        r.config.ipsec.idle_time = m.seconds("idle-time");
    }),
    one("crypto ipsec security-association replay window-size <64-4096>", |r, m| {
        r.config.ipsec.replay_window = replay_window(r, m);
    }),
    one("crypto ipsec security-association replay disable", |r, m| {
        r.config.ipsec.replay_window = (!m.negated).then_some(ReplayWindow::Off);
    }),
];

pub(super) const KEYRING: &[Command] = &[open("peer NAME", |r, m| {
    let (Mode::Keyring(ring), Some(name)) = (r.mode(), m.text("peer")) else { return };
    let origin = Origin::new(r.place());
    let Some(keyring) = r.config.keyrings.get_mut(ring) else { return };
    let found = keyring.peers.iter().position(|peer| peer.name == name);
    if m.negated {
        match found {
            Some(index) => {
                keyring.peers.remove(index);
                r.forget_settings();
            }
            None => nothing_to_undo(r),
        }
        return;
    }
    let index = found.unwrap_or_else(|| {
        keyring.peers.push(KeyringPeer { name: name.into(), origin, ..KeyringPeer::default() });
        keyring.peers.len() - 1
    });
    r.enter(Mode::KeyringPeer(ring, index));
})];

pub(super) const KEYRING_PEER: &[Command] = &[
    one("description TEXT", |r, m| {
        let text = m.text("description").filter(|_| !m.negated).unwrap_or_default();
        peer(r, |peer| peer.description = text.to_owned());
    }),
    one("address IPV4 [MASK]", |r, m| {
        let prefix = m.ipv4("address", 0).and_then(|address| {
            // An address alone is a host, as in IOS.
            Ipv4Net::new(address, m.prefix_len("address").unwrap_or(32)).ok()
        });
        peer(r, |peer| peer.address = prefix.filter(|_| !m.negated).map(|net| IpNet::V4(net.trunc())));
    }),
    one("address NAME", |r, m| {
        let Some(text) = m.text("address") else { return peer(r, |peer| peer.address = None) };
        match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(prefix) => peer(r, |peer| peer.address = (!m.negated).then_some(prefix.trunc())),
            Err(_) => {
                let at = m.index("address", 0);
                r.say(
                    Severity::Error,
                    Rule::BadValue,
                    at,
                    "not an address",
                    "an IPv4 address with or without a mask, or an IPv6 prefix",
                );
            }
        }
    }),
    one("hostname NAME", |r, m| {
        let name = m.text("hostname").filter(|_| !m.negated).map(str::to_owned);
        peer(r, |peer| peer.hostname = name);
    }),
    one("identity address ADDRESS", set_peer_identity),
    one("identity (fqdn|email|key-id) NAME", set_peer_identity),
    one("pre-shared-key local SECRET", |r, m| peer(r, |peer| peer.local_key = m.secret("local"))),
    one("pre-shared-key local hex HEX", |r, m| peer(r, |peer| peer.local_key = m.secret("hex"))),
    one("pre-shared-key remote SECRET", |r, m| peer(r, |peer| peer.remote_key = m.secret("remote"))),
    one("pre-shared-key remote hex HEX", |r, m| peer(r, |peer| peer.remote_key = m.secret("hex"))),
    one("pre-shared-key SECRET", |r, m| both_keys(r, m, "pre-shared-key")),
    one("pre-shared-key hex HEX", |r, m| both_keys(r, m, "hex")),
];

pub(super) const PROPOSAL: &[Command] = &[
    one("encryption NAME...", |r, m| {
        let list = algorithms(r, m, "encryption", IkeEncryption::ALL, IkeEncryption::words, OLD_CIPHERS);
        proposal(r, |proposal| proposal.encryption = list);
    }),
    one("integrity NAME...", |r, m| {
        let list = algorithms(r, m, "integrity", Hash::ALL, Hash::words, &["md5"]);
        proposal(r, |proposal| proposal.integrity = list);
    }),
    one("prf NAME...", |r, m| {
        let list = algorithms(r, m, "prf", Hash::ALL, Hash::words, &["md5"]);
        proposal(r, |proposal| proposal.prf = list);
    }),
    one("group NAME...", |r, m| {
        let list = algorithms(r, m, "group", Group::ALL, Group::words, &["1", "2", "5", "24"]);
        proposal(r, |proposal| proposal.groups = list);
    }),
];

pub(super) const POLICY: &[Command] = &[
    many("proposal NAME", |r, m| {
        let Some(name) = m.text("proposal") else { return };
        change_list(r, m.negated, policy_proposals, |one| one == name, Some(name.to_owned()));
    }),
    many("match address local ADDRESS", |r, m| {
        let Some(address) = m.address("local", 0) else { return };
        match_local(r, m, address);
    }),
    lacking("match fvrf TEXT", "there are no VRFs here: the policy applies to all"),
];

pub(super) const IKE_PROFILE: &[Command] = &[
    one("description TEXT", |r, m| {
        let text = m.text("description").filter(|_| !m.negated).unwrap_or_default();
        profile(r, |profile| profile.description = text.to_owned());
    }),
    many("match identity remote any", match_remote),
    many("match identity remote address IPV4 [MASK]", match_remote),
    many("match identity remote address NAME", match_remote),
    many("match identity remote (fqdn|email) domain NAME", match_remote),
    many("match identity remote (fqdn|email|key-id) NAME", match_remote),
    many("match address local ADDRESS", |r, m| {
        let Some(address) = m.address("local", 0) else { return };
        match_local(r, m, address);
    }),
    unsupported("match certificate TEXT", "there are no certificates here; use 'match identity remote'"),
    lacking("match fvrf TEXT", "there are no VRFs here: the profile applies to all"),
    one("identity local address ADDRESS", |r, m| {
        let identity = m.address("address", 0).filter(|_| !m.negated).map(Identity::Address);
        profile(r, |profile| profile.identity_local = identity);
    }),
    one("identity local (fqdn|email|key-id) NAME", |r, m| {
        let identity = named_identity(m).filter(|_| !m.negated);
        profile(r, |profile| profile.identity_local = identity);
    }),
    unsupported("identity local dn", "there are no certificates here; use an address, fqdn, email or key-id"),
    one("authentication local pre-share [key SECRET]", |r, m| {
        profile(r, |profile| {
            profile.local_pre_share = !m.negated;
            profile.local_key = m.secret("key");
        });
    }),
    one("authentication remote pre-share [key SECRET]", |r, m| {
        profile(r, |profile| {
            profile.remote_pre_share = !m.negated;
            profile.remote_key = m.secret("key");
        });
    }),
    unsupported(
        "authentication (local|remote) (rsa-sig|ecdsa-sig|eap|anyconnect-eap) [TEXT]",
        "only pre-shared keys can authenticate here; use 'pre-share'",
    ),
    one("keyring local NAME [name-mangler NAME]", |r, m| {
        part_without_effect(r, m, &["name-mangler"], "keys are found by address or identity");
        let name = m.text("local").filter(|_| !m.negated).map(str::to_owned);
        profile(r, |profile| profile.keyring = name);
    }),
    unsupported("keyring aaa TEXT", "there is no AAA here; use 'keyring local NAME'"),
    one("lifetime <120-86400>", |r, m| {
        let lifetime = m.seconds("lifetime").unwrap_or(SECOND * 86_400);
        profile(r, |profile| profile.lifetime = lifetime);
    }),
    one("dpd <10-3600> <2-60> (on-demand|periodic)", |r, m| profile(r, |profile| profile.dpd = dpd(m))),
    one("nat keepalive <5-3600>", |r, m| {
        profile(r, |profile| profile.nat_keepalive = m.seconds("keepalive"));
    }),
    one("nat force-encap", |r, m| profile(r, |profile| profile.force_encapsulation = !m.negated)),
    one("initial-contact force", |r, m| profile(r, |profile| profile.force_initial_contact = !m.negated)),
    lacking("aaa TEXT", "there is no AAA here"),
    lacking("pki TEXT", "there are no certificates here"),
    lacking("virtual-template TEXT", "there are no virtual templates here: DMVPN has its tunnel interface"),
    lacking("ivrf TEXT", "there are no VRFs here"),
    lacking("redirect gateway TEXT", "clients are not redirected here"),
    lacking("config-exchange TEXT", "configuration payloads are not exchanged here"),
    lacking("anyconnect TEXT", "there are no remote access clients here"),
    lacking("reconnect [TEXT]", "there are no remote access clients here"),
    lacking("shutdown", "a profile cannot be shut down here; shut the tunnel"),
];

pub(super) const TRANSFORM_SET: &[Command] = &[
    one("mode (tunnel|transport)", |r, m| {
        let mode =
            if m.has("transport") && !m.negated { Encapsulation::Transport } else { Encapsulation::Tunnel };
        if let Mode::TransformSet(index) = r.mode()
            && let Some(set) = r.config.transform_sets.get_mut(index)
        {
            set.mode = mode;
        }
    }),
    // IOS takes `mode transport require`: the peer must agree. It must here in any case.
    one("mode transport require", |r, m| {
        if let Mode::TransformSet(index) = r.mode()
            && let Some(set) = r.config.transform_sets.get_mut(index)
        {
            set.mode = if m.negated { Encapsulation::Tunnel } else { Encapsulation::Transport };
        }
    }),
];

pub(super) const IPSEC_PROFILE: &[Command] = &[
    one("description TEXT", |r, m| {
        let text = m.text("description").filter(|_| !m.negated).unwrap_or_default();
        ipsec_profile(r, |profile| profile.description = text.to_owned());
    }),
    one("set transform-set NAME...", |r, m| {
        let names = m.texts("transform-set").into_iter().map(|(_, name)| name.to_owned());
        let names = names.filter(|_| !m.negated).collect();
        ipsec_profile(r, |profile| profile.transform_sets = names);
    }),
    one("set ikev2-profile NAME", |r, m| {
        let name = m.text("ikev2-profile").filter(|_| !m.negated).map(str::to_owned);
        ipsec_profile(r, |profile| profile.ike_profile = name);
    }),
    unsupported("set isakmp-profile NAME", "there is no IKEv1 here; use 'set ikev2-profile NAME'"),
    one("set pfs [NAME]", |r, m| {
        let at = m.index("pfs", 0);
        let group = match m.text("pfs").filter(|_| !m.negated) {
            _ if m.negated => None,
            // IOS's default is group 1, which nobody should use: the guide's group stands in.
            None => Some(Group::G14),
            Some(text) => {
                let number = text.strip_prefix("group").and_then(|number| number.parse().ok());
                let group = number.and_then(Group::from_number);
                if group.is_none() {
                    let list = names(Group::ALL.iter().map(|group| format!("group{group}")));
                    r.say(Severity::Error, Rule::UnexpectedWord, at, "", &list);
                }
                group
            }
        };
        ipsec_profile(r, |profile| profile.pfs = group);
    }),
    one("set security-association lifetime seconds <120-2592000>", |r, m| {
        limits(r, |limits| limits.lifetime = m.seconds("seconds"));
    }),
    one("set security-association lifetime kilobytes <2560-4294967295>", |r, m| {
        limits(r, |limits| limits.volume = m.number("kilobytes").map(VolumeLimit::Kilobytes));
    }),
    one("set security-association lifetime kilobytes disable", |r, m| {
        limits(r, |limits| limits.volume = (!m.negated).then_some(VolumeLimit::Off));
    }),
    one("set security-association idle-time <60-86400> [default]", |r, m| {
        part_without_effect(r, m, &["default"], "the association ends, and comes back with the next packet");
        limits(r, |limits| limits.idle_time = m.seconds("idle-time"));
    }),
    one("set security-association replay window-size <64-4096>", |r, m| {
        let window = replay_window(r, m);
        limits(r, |limits| limits.replay_window = window);
    }),
    one("set security-association replay disable", |r, m| {
        limits(r, |limits| limits.replay_window = (!m.negated).then_some(ReplayWindow::Off));
    }),
    lacking("set security-association dummy TEXT", "dummy packets are not sent here"),
    lacking("set security-association dfbit TEXT", "see 'tunnel path-mtu-discovery'"),
    lacking("set security-association ecn TEXT", "ECN is copied as RFC 6040 says"),
    lacking("set security-policy TEXT", "the selectors of a tunnel are those of GRE"),
    lacking("set reverse-route TEXT", "routes come from OSPF and the configuration here"),
    lacking("set identity NAME", "use 'match identity remote' in the IKEv2 profile"),
    lacking("set mixed-mode", "a tunnel carries GRE over IPv4 here"),
    one("responder-only", |r, m| ipsec_profile(r, |profile| profile.responder_only = !m.negated)),
];

const OLD_CIPHERS: &[&str] = &["des", "3des", "aes-gcm-192"];

fn peer(r: &mut Reader<'_>, change: impl FnOnce(&mut KeyringPeer)) {
    if let Mode::KeyringPeer(ring, index) = r.mode()
        && let Some(peer) = r.config.keyrings.get_mut(ring).and_then(|ring| ring.peers.get_mut(index))
    {
        change(peer);
    }
}

fn both_keys(r: &mut Reader<'_>, m: &Matched<'_>, keyword: &str) {
    peer(r, |peer| {
        peer.local_key = m.secret(keyword);
        peer.remote_key = m.secret(keyword);
    });
}

fn set_peer_identity(r: &mut Reader<'_>, m: &Matched<'_>) {
    let identity = m.address("address", 0).map(Identity::Address).or_else(|| named_identity(m));
    peer(r, |peer| peer.identity = identity.filter(|_| !m.negated));
}

fn named_identity(m: &Matched<'_>) -> Option<Identity> {
    let fqdn = m.text("fqdn").map(|name| Identity::Fqdn(name.into()));
    let email = || m.text("email").map(|name| Identity::Email(name.into()));
    let key_id = || m.text("key-id").map(|name| Identity::KeyId(name.into()));
    fqdn.or_else(email).or_else(key_id)
}

fn proposal(r: &mut Reader<'_>, change: impl FnOnce(&mut IkeProposal)) {
    if let Mode::Proposal(index) = r.mode()
        && let Some(proposal) = r.config.ike_proposals.get_mut(index)
    {
        change(proposal);
    }
}

fn policy_proposals<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<String>> {
    match r.mode() {
        Mode::Policy(index) => r.config.ike_policies.get_mut(index).map(|one| &mut one.proposals),
        _ => None,
    }
}

fn profile(r: &mut Reader<'_>, change: impl FnOnce(&mut IkeProfile)) {
    if let Mode::IkeProfile(index) = r.mode()
        && let Some(profile) = r.config.ike_profiles.get_mut(index)
    {
        change(profile);
    }
}

fn ipsec_profile(r: &mut Reader<'_>, change: impl FnOnce(&mut IpsecProfile)) {
    if let Mode::IpsecProfile(index) = r.mode()
        && let Some(profile) = r.config.ipsec_profiles.get_mut(index)
    {
        change(profile);
    }
}

fn limits(r: &mut Reader<'_>, change: impl FnOnce(&mut SaLimits)) {
    ipsec_profile(r, |profile| change(&mut profile.limits));
}

/// `match address local`, in a policy or a profile.
fn match_local(r: &mut Reader<'_>, m: &Matched<'_>, address: IpAddr) {
    change_list(r, m.negated, local_addresses, |one| *one == address, Some(address));
}

fn local_addresses<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<IpAddr>> {
    match r.mode() {
        Mode::Policy(index) => r.config.ike_policies.get_mut(index).map(|one| &mut one.match_local_addresses),
        Mode::IkeProfile(index) => {
            r.config.ike_profiles.get_mut(index).map(|one| &mut one.match_local_addresses)
        }
        _ => None,
    }
}

fn match_remote(r: &mut Reader<'_>, m: &Matched<'_>) {
    let Some(identity) = identity_match(r, m) else { return };
    let same = identity.clone();
    change_list(r, m.negated, remote_matches, move |one| *one == same, Some(identity));
}

/// `any`, `address ...`, `fqdn [domain] NAME`, `email [domain] NAME` or `key-id NAME`.
pub(super) fn identity_match(r: &mut Reader<'_>, m: &Matched<'_>) -> Option<IdentityMatch> {
    if m.has("any") {
        Some(IdentityMatch::Any)
    } else if let Some(address) = m.ipv4("address", 0) {
        // `address 0.0.0.0` is everybody, as the guide has it; another address alone is a host.
        let length = m.prefix_len("address").unwrap_or(if address.is_unspecified() { 0 } else { 32 });
        Ipv4Net::new(address, length).ok().map(|net| IdentityMatch::Address(IpNet::V4(net.trunc())))
    } else if let Some(text) = m.text("address") {
        let prefix = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok();
        if prefix.is_none() {
            let expected = "an IPv4 address with or without a mask, or an IPv6 prefix";
            r.say(Severity::Error, Rule::BadValue, m.index("address", 0), "not an address", expected);
        }
        prefix.map(|net| IdentityMatch::Address(net.trunc()))
    } else if let Some(domain) = m.text("domain") {
        let make = if m.has("email") { IdentityMatch::EmailDomain } else { IdentityMatch::FqdnDomain };
        Some(make(domain.into()))
    } else {
        named_identity(m).and_then(|identity| match identity {
            Identity::Fqdn(name) => Some(IdentityMatch::Fqdn(name)),
            Identity::Email(name) => Some(IdentityMatch::Email(name)),
            Identity::KeyId(name) => Some(IdentityMatch::KeyId(name)),
            Identity::Address(_) => None,
        })
    }
}

fn remote_matches<'r>(r: &'r mut Reader<'_>) -> Option<&'r mut Vec<IdentityMatch>> {
    match r.mode() {
        Mode::IkeProfile(index) => r.config.ike_profiles.get_mut(index).map(|one| &mut one.match_remote),
        _ => None,
    }
}

fn dpd(m: &Matched<'_>) -> Option<Dpd> {
    let interval = m.seconds("dpd")?;
    let retry = m.milliseconds("dpd", 1).map_or(Duration::ZERO, |number| number * 1000);
    Some(Dpd { interval, retry, on_demand: m.has("on-demand") })
}

fn replay_window(r: &mut Reader<'_>, m: &Matched<'_>) -> Option<ReplayWindow> {
    let size: u16 = m.number("window-size")?;
    if !size.is_power_of_two() {
        let expected = "one of 64, 128, 256, 512, 1024, 2048, 4096";
        r.say(Severity::Error, Rule::OutOfRange, m.index("window-size", 0), "", expected);
        return None;
    }
    Some(ReplayWindow::Packets(size))
}

/// A list of algorithms by name. Each that is not known is an error of its own.
fn algorithms<T: Copy + PartialEq>(
    r: &mut Reader<'_>,
    m: &Matched<'_>,
    keyword: &str,
    all: &[T],
    words: fn(T) -> &'static str,
    too_old: &[&str],
) -> Vec<T> {
    let mut list = Vec::new();
    for (at, text) in m.texts(keyword) {
        if m.negated {
            break;
        }
        match all.iter().find(|one| words(**one).eq_ignore_ascii_case(text)) {
            Some(one) if list.contains(one) => {
                r.say(Severity::Note, Rule::Replaced, at, "is named twice", "");
            }
            Some(one) => list.push(*one),
            None => {
                let expected = names(all.iter().map(|one| words(*one).to_owned()));
                if too_old.contains(&text.to_ascii_lowercase().as_str()) {
                    r.say(Severity::Error, Rule::Unsupported, at, "not supported", &expected);
                } else {
                    r.say(Severity::Error, Rule::UnexpectedWord, at, "", &expected);
                }
            }
        }
    }
    list
}

fn names(all: impl Iterator<Item = String>) -> String {
    format!("one of {}", all.collect::<Vec<_>>().join(", "))
}

/// `crypto ipsec transform-set NAME TRANSFORM...`
fn transform_set(r: &mut Reader<'_>, m: &Matched<'_>) {
    let words = m.texts("transform-set");
    let Some(((_, name), transforms)) = words.split_first() else { return };
    if m.negated {
        let make = |_| TransformSet::new("", EspEncryption::AesCbc128, None);
        open_named(r, m, |r| &mut r.config.transform_sets, |one| one.name == *name, make, Mode::TransformSet);
        return;
    }
    let mut encryption = None;
    let mut integrity = None;
    let mut esn = false;
    let mut transforms = transforms.iter().peekable();
    while let Some((at, word)) = transforms.next() {
        let word = word.to_ascii_lowercase();
        let bits = transforms.next_if(|(_, next)| next.bytes().all(|digit| digit.is_ascii_digit()));
        let full = match (word.as_str(), bits) {
            // The key has 128 bits where nothing is said.
            ("esp-aes" | "esp-gcm", None) => format!("{word} 128"),
            (_, Some((_, bits))) => format!("{word} {bits}"),
            _ => word.clone(),
        };
        let cipher = EspEncryption::ALL.iter().find(|one| one.words() == full);
        let hash = EspIntegrity::ALL.iter().find(|one| one.words() == full);
        match (cipher, hash) {
            (Some(_), _) if encryption.is_some() => {
                r.say(Severity::Error, Rule::SetTwice, *at, "a transform set has one cipher", "");
            }
            (_, Some(_)) if integrity.is_some() => {
                r.say(
                    Severity::Error,
                    Rule::SetTwice,
                    *at,
                    "a transform set has one integrity algorithm",
                    "",
                );
            }
            (Some(cipher), _) => encryption = Some(*cipher),
            (_, Some(hash)) => integrity = Some(*hash),
            _ if full == "esn" => esn = true,
            _ => {
                let ciphers = EspEncryption::ALL.iter().map(|one| one.words().to_owned());
                let hashes = EspIntegrity::ALL.iter().map(|one| one.words().to_owned());
                let expected = names(ciphers.chain(hashes).chain(["esn".into()]));
                let old =
                    ["esp-des", "esp-3des", "esp-null", "esp-seal", "esp-gmac", "esp-md5-hmac", "comp-lzs"];
                let bits = at + usize::from(full.len() > word.len() && bits.is_some());
                if old.contains(&word.as_str()) || word.starts_with("ah-") {
                    r.say(Severity::Error, Rule::Unsupported, *at, "not supported", &expected);
                } else {
                    r.say(Severity::Error, Rule::UnexpectedWord, bits, "", &expected);
                }
            }
        }
    }
    let at = m.index("transform-set", 0);
    let encryption = encryption.unwrap_or_else(|| {
        r.say(
            Severity::Error,
            Rule::Missing,
            at,
            "the transform set has no cipher",
            "one such as 'esp-aes 256'",
        );
        EspEncryption::AesCbc128
    });
    match (encryption.is_aead(), integrity) {
        (true, Some(_)) => {
            let message = "the cipher authenticates by itself and takes no integrity algorithm";
            r.say(Severity::Error, Rule::Conflict, at, message, "one of the two left out");
            integrity = None;
        }
        (false, None) => {
            let message = "the transform set has no integrity algorithm: packets could be changed unnoticed";
            r.say(Severity::Error, Rule::Missing, at, message, "one such as 'esp-sha256-hmac'");
        }
        _ => {}
    }
    let existing = r.config.transform_sets.iter().position(|one| one.name == *name);
    if let Some(set) = existing.and_then(|index| r.config.transform_sets.get_mut(index))
        && (set.encryption, set.integrity, set.esn) != (encryption, integrity, esn)
    {
        let line = set.origin.line.number;
        (set.encryption, set.integrity, set.esn) = (encryption, integrity, esn);
        let message = format!("is defined already on line {line}, with other transforms");
        r.say(Severity::Error, Rule::SetTwice, at, &message, "");
    }
    let make = |origin| TransformSet { origin, esn, ..TransformSet::new(*name, encryption, integrity) };
    open_named(r, m, |r| &mut r.config.transform_sets, |one| one.name == *name, make, Mode::TransformSet);
}
