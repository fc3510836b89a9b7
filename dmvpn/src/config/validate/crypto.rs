//! IKEv2 and IPsec.

use super::Report;
use crate::config::{
    Config, EspIntegrity, Hash, IkeProfile, IkeProposal, IpsecProfile, Mode, ReplayWindow, Rule, TransformSet,
};

pub(super) fn check(config: &Config, report: &mut Report) {
    for one in &config.ike_proposals {
        proposal(one, report);
    }
    for one in &config.ike_policies {
        if one.proposals.is_empty() {
            let message = format!("IKEv2 policy {} names no proposal: the built-in one is used", one.name);
            report.warning(Rule::Missing, &one.origin.line, message, "a line 'proposal NAME'");
        }
    }
    for keyring in &config.keyrings {
        for peer in &keyring.peers {
            let user = format!("keyring {}, peer {}", keyring.name, peer.name);
            if peer.address.is_none() && peer.identity.is_none() {
                let message = format!("{user} has neither an address nor an identity: it stands for nobody");
                let expected = "a line 'address ADDRESS MASK' or 'identity ...'";
                report.error(Rule::Missing, &peer.origin.line, message, expected);
            }
            let expected = "lines 'pre-shared-key local KEY' and 'pre-shared-key remote KEY'";
            for (key, word) in [(&peer.local_key, "local"), (&peer.remote_key, "remote")] {
                if key.is_none() {
                    let message = format!("{user} has no {word} key: nobody can authenticate with it");
                    report.error(Rule::Missing, &peer.origin.line, message, expected);
                }
            }
        }
    }
    for one in &config.ike_profiles {
        profile(one, config, report);
    }
    for one in &config.transform_sets {
        transform_set(one, report);
    }
    for one in &config.ipsec_profiles {
        ipsec_profile(one, config, report);
    }
}

fn proposal(proposal: &IkeProposal, report: &mut Report) {
    let line = &proposal.origin.line;
    let user = format!("IKEv2 proposal {}", proposal.name);
    if proposal.encryption.is_empty() {
        report.error(
            Rule::Missing,
            line,
            format!("{user} has no cipher"),
            "a line such as 'encryption aes-cbc-256'",
        );
    }
    if proposal.groups.is_empty() {
        report.error(Rule::Missing, line, format!("{user} has no group"), "a line such as 'group 14'");
    }
    let aead = proposal.encryption.iter().filter(|cipher| cipher.is_aead()).count();
    if aead > 0 && aead < proposal.encryption.len() {
        // RFC 7296 section 3.3: one proposal with both kinds would offer AEADs with an integrity algorithm.
        let message = format!("{user} mixes ciphers that authenticate by themselves with others");
        report.error(Rule::Conflict, proposal.origin.of("encryption"), message, "two proposals");
    } else if aead > 0 && !proposal.integrity.is_empty() {
        let message =
            format!("{user} has ciphers that authenticate by themselves, and an integrity algorithm");
        report.error(
            Rule::Conflict,
            proposal.origin.of("integrity"),
            message,
            "'prf' in place of 'integrity'",
        );
    } else if aead == 0 && proposal.integrity.is_empty() && !proposal.encryption.is_empty() {
        let message = format!("{user} has no integrity algorithm");
        report.error(Rule::Missing, line, message, "a line such as 'integrity sha256'");
    }
    if aead > 0 && proposal.prf.is_empty() {
        let message = format!("{user} has no pseudo-random function");
        report.error(Rule::Missing, line, message, "a line such as 'prf sha256'");
    }
    if proposal.integrity.contains(&Hash::Sha1) || proposal.prf.contains(&Hash::Sha1) {
        let line = if proposal.integrity.contains(&Hash::Sha1) { "integrity" } else { "prf" };
        let message = format!("{user} allows SHA-1, which is for old peers only");
        report.warning(Rule::Weak, proposal.origin.of(line), message, "sha256 or better");
    }
}

fn profile(profile: &IkeProfile, config: &Config, report: &mut Report) {
    let line = &profile.origin.line;
    let user = format!("IKEv2 profile {}", profile.name);
    if profile.match_remote.is_empty() {
        let message = format!("{user} takes no peer: it says nothing about their identity");
        report.error(Rule::Missing, line, message, "a line such as 'match identity remote address 0.0.0.0'");
    }
    for (there, word) in [(profile.local_pre_share, "local"), (profile.remote_pre_share, "remote")] {
        if !there {
            let message = format!("{user} does not say how the {word} end authenticates");
            report.error(Rule::Missing, line, message, format!("a line 'authentication {word} pre-share'"));
        }
    }
    let own_keys = profile.local_key.is_some() && profile.remote_key.is_some();
    match profile.keyring.as_deref() {
        None if !own_keys => {
            let message = format!("{user} has no keyring: there is no key to authenticate with");
            report.error(Rule::Missing, line, message, "a line 'keyring local NAME'");
        }
        Some(name) if config.keyring(name).is_some_and(|keyring| keyring.peers.is_empty()) && !own_keys => {
            let message = format!("{user} uses the keyring '{name}', which has no peers");
            report.error(Rule::Missing, profile.origin.of("keyring local"), message, "a 'peer' in it");
        }
        _ => {}
    }
}

fn transform_set(set: &TransformSet, report: &mut Report) {
    let line = &set.origin.line;
    if set.mode == Mode::Tunnel {
        let message = format!(
            "transform set {} is in tunnel mode: every packet carries 20 octets more, and a peer in transport mode refuses it",
            set.name
        );
        let line = set.origin.of("mode");
        report.warning(Rule::IpsecMode, line, message, "'mode transport'");
    }
    if set.integrity == Some(EspIntegrity::Sha1) {
        let message = format!("transform set {} has SHA-1, which is for old peers only", set.name);
        report.warning(Rule::Weak, line, message, "esp-sha256-hmac or better");
    }
    let user = format!("transform set {}", set.name);
    match (set.encryption.is_aead(), set.integrity) {
        (true, Some(_)) => {
            let message =
                format!("{user} has a cipher that authenticates by itself, and an integrity algorithm");
            report.error(Rule::Conflict, line, message, "one of the two");
        }
        (false, None) => {
            let message = format!("{user} has no integrity algorithm: packets could be changed unnoticed");
            report.error(Rule::Missing, line, message, "one such as 'esp-sha256-hmac'");
        }
        _ => {}
    }
}

fn ipsec_profile(profile: &IpsecProfile, config: &Config, report: &mut Report) {
    let line = &profile.origin.line;
    let user = format!("IPsec profile {}", profile.name);
    if profile.transform_sets.is_empty() {
        report.error(
            Rule::Missing,
            line,
            format!("{user} has no transform set"),
            "a line 'set transform-set NAME'",
        );
    }
    if profile.ike_profile.is_none() {
        let message = format!("{user} has no IKEv2 profile: it could not find its keys");
        report.error(Rule::Missing, line, message, "a line 'set ikev2-profile NAME'");
    }
    if config.replay_window(profile) == ReplayWindow::Off {
        let line = match profile.limits.replay_window {
            Some(_) => profile.origin.of("set security-association replay disable"),
            None => config.origin.of("crypto ipsec security-association replay disable"),
        };
        report.warning(Rule::Weak, line, format!("{user} accepts replayed packets"), "a replay window");
    }
    let ike = profile.ike_profile.as_deref().and_then(|name| config.ike_profile(name));
    if let Some(ike) = ike.filter(|ike| ike.lifetime <= config.sa_lifetime(profile)) {
        let message = format!(
            "IKEv2 profile {} lives {} s, no longer than the associations of {user} ({} s): each of its ends takes them along",
            ike.name,
            ike.lifetime.as_secs(),
            config.sa_lifetime(profile).as_secs()
        );
        report.note(Rule::Timers, ike.origin.of("lifetime"), message);
    }
}
