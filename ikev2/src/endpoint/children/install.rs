//! Into the forwarding plane.

use std::time::{Duration, Instant};

use super::{Agreement, NewChild, READY};
use crate::config::Mode;
use crate::crypto::ChildSuite;
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::child::{Child, ChildTimers, Outbound, Phase};
use crate::endpoint::ike_sa::{Role, Task};
use crate::ids::ChildId;
use crate::io::{Action, Event, SaParameters, TrafficLimits};
use crate::secret::SecretBytes;

impl Endpoint {
    /// Puts a child SA into the forwarding plane: inbound first, outbound when its turn comes.
    pub(in crate::endpoint) fn install_child(&mut self, now: Instant, key: SaKey, new: NewChild) {
        let Some(policy) = self.profile(new.profile).map(|profile| profile.child.clone()) else { return };
        let soft = self.soft(policy.lifetime);
        let limits = TrafficLimits {
            soft_bytes: self.soft_count(policy.lifetime_bytes),
            hard_bytes: policy.lifetime_bytes,
            soft_packets: self.soft_count(policy.lifetime_packets),
            hard_packets: policy.lifetime_packets,
        };
        let Some(sa) = self.sa(key) else { return };
        let Some(peer) = sa.peer else { return };
        let udp = sa.nat.any() || self.profile(sa.profile).is_some_and(|p| p.force_udp_encapsulation);
        let Agreement { choice, mode, local, remote } = new.agreement;
        let parameters = |spi: u32, encryption_key: &SecretBytes, integrity_key: &SecretBytes| SaParameters {
            spi,
            cipher: choice.suite.encryption,
            integrity: choice.suite.integrity,
            esn: choice.suite.esn,
            encryption_key: encryption_key.clone(),
            integrity_key: integrity_key.clone(),
            mode,
            local: sa.path.local,
            remote: sa.path.remote,
            udp_encapsulation: udp,
            local_selectors: local.clone(),
            remote_selectors: remote.clone(),
            limits,
        };
        let keys = &new.keys;
        let from_initiator = (&keys.encryption_i, &keys.integrity_i);
        let from_responder = (&keys.encryption_r, &keys.integrity_r);
        let (inward, outward) = match new.role {
            Role::Initiator => (from_responder, from_initiator),
            Role::Responder => (from_initiator, from_responder),
        };
        let inbound = Box::new(parameters(new.local_spi, inward.0, inward.1));
        let outbound = Box::new(parameters(choice.peer_spi, outward.0, outward.1));
        let child = Child {
            peer,
            sa: key,
            profile: new.profile,
            local_spi: new.local_spi,
            remote_spi: choice.peer_spi,
            suite: choice.suite,
            mode,
            udp,
            local_selectors: local,
            remote_selectors: remote,
            phase: new.phase,
            outbound: Outbound::Pending(outbound),
            installed: true,
            created: now,
            lifetime: policy.lifetime,
            last_inbound: None,
            rekeying: false,
            replaces: new.replaces,
            deletes_replaced: false,
            replaced_by: None,
            timers: ChildTimers {
                rekey: Some(now + soft),
                expire: Some(now + policy.lifetime),
                drain: None,
                ready: (new.phase == Phase::InboundOnly && new.replaces.is_none()).then_some(now + READY),
            },
        };
        self.children.put(new.id, Box::new(child));
        if let Some(sa) = self.sa_mut(key) {
            sa.children.push(new.id);
        }
        self.stats.children_established += 1;
        self.action(Action::InstallInbound { peer, child: new.id, sa: inbound });
        match new.replaces.filter(|old| self.children.get(*old).is_some()) {
            Some(old) => {
                if let Some(old) = self.children.get_mut(old) {
                    old.replaced_by = Some(new.id);
                }
                if new.phase == Phase::Active {
                    self.supersede(now, old, new.id);
                }
            }
            None => self.event(Event::ChildUp { peer, child: new.id }),
        }
        self.select_outbound(now, peer);
    }

    /// A child SA that exists for the peer only, because its answer was wrong or lost against another: to be deleted.
    pub(in crate::endpoint) fn install_stillborn(
        &mut self,
        now: Instant,
        key: SaKey,
        id: ChildId,
        local_spi: u32,
        peer_spi: u32,
    ) {
        let Some(sa) = self.sa(key) else { return };
        let (Some(peer), profile, local, remote) = (sa.peer, sa.profile, sa.path.local, sa.path.remote)
        else {
            return;
        };
        let suite = ChildSuite {
            encryption: crate::crypto::Encryption::AesCbc256,
            integrity: crate::crypto::Integrity::None,
            esn: false,
        };
        let nothing = SaParameters {
            spi: peer_spi,
            cipher: suite.encryption,
            integrity: suite.integrity,
            esn: false,
            encryption_key: SecretBytes::default(),
            integrity_key: SecretBytes::default(),
            mode: Mode::Transport,
            local,
            remote,
            udp_encapsulation: false,
            local_selectors: Vec::new(),
            remote_selectors: Vec::new(),
            limits: TrafficLimits::default(),
        };
        let child = Child {
            peer,
            sa: key,
            profile,
            local_spi,
            remote_spi: peer_spi,
            suite,
            mode: Mode::Transport,
            udp: false,
            local_selectors: Vec::new(),
            remote_selectors: Vec::new(),
            phase: Phase::Deleting,
            outbound: Outbound::Pending(Box::new(nothing)),
            installed: false,
            created: now,
            lifetime: Duration::ZERO,
            last_inbound: None,
            rekeying: false,
            replaces: None,
            deletes_replaced: false,
            replaced_by: None,
            timers: ChildTimers::default(),
        };
        self.children.put(id, Box::new(child));
        if let Some(sa) = self.sa_mut(key) {
            sa.children.push(id);
            sa.enqueue(Task::DeleteChild(id));
        }
    }
}
