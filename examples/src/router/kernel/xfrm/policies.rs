//! Policies: what must not travel without ESP, and exceptions of which SA is taken.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::NLM_F_EXCL;
use netlink_packet_xfrm::constants::{
    AF_INET, IPPROTO_ESP, IPPROTO_GRE, XFRM_MODE_TRANSPORT, XFRM_MODE_TUNNEL, XFRM_POLICY_ALLOW,
    XFRM_POLICY_IN, XFRM_POLICY_OUT,
};
use netlink_packet_xfrm::policy::{DelGetMessage, ModifyMessage};
use netlink_packet_xfrm::{Selector, UserPolicyId, UserPolicyInfo, UserTemplate, XfrmAttrs, XfrmMessage};
use netlink_sys::protocols::NETLINK_XFRM;

use super::super::super::netlink::Requests;
use super::REQID;

/// A policy for all peers.
const PRIORITY_ALL: u32 = 2_000;
/// A policy for one peer, which comes first.
const PRIORITY_PEER: u32 = 1_000;

/// What GRE must be protected: all of a tunnel source, or that with a key where other tunnels of the source are plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Protection {
    pub(in super::super) local: Ipv4Addr,
    pub(in super::super) key: Option<u32>,
}

/// Which of the SAs with a peer is taken, where it is not the youngest with that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exception {
    pub(super) local: Ipv4Addr,
    pub(super) remote: Ipv4Addr,
    /// This SA and no other.
    pub(super) spi: Option<u32>,
    pub(super) tunnel_mode: bool,
}

/// The policies of ours.
pub(in super::super) struct Policies {
    requests: Requests<XfrmMessage>,
    required: BTreeSet<Protection>,
    exceptions: Vec<Exception>,
}

impl Policies {
    /// Takes out what a router with these sources left behind.
    pub(in super::super) fn open(sources: &[Ipv4Addr]) -> io::Result<Self> {
        let requests = Requests::open(NETLINK_XFRM)?;
        let mut policies = Self { requests, required: BTreeSet::new(), exceptions: Vec::new() };
        let all = policies.requests.dump(XfrmMessage::GetPolicy(DelGetMessage::default()))?;
        for message in all {
            let XfrmMessage::AddPolicy(policy) = message else { continue };
            if is_ours(&policy, sources) {
                policies.delete(&id_of(&policy.user_policy_info))?;
            }
        }
        Ok(policies)
    }

    /// This GRE and no other needs ESP from now on, in both directions. What is new comes before what is old goes.
    pub(in super::super) fn require(
        &mut self,
        protections: &BTreeSet<Protection>,
    ) -> Result<(), (Protection, io::Error)> {
        for protection in protections {
            if self.required.contains(protection) {
                continue;
            }
            self.add(*protection).map_err(|error| (*protection, error))?;
        }
        let old: Vec<Protection> = self.required.difference(protections).copied().collect();
        for protection in old {
            self.release(protection).map_err(|error| (protection, error))?;
        }
        Ok(())
    }

    /// Both policies or none: one that somebody else has in this place stays his.
    fn add(&mut self, protection: Protection) -> io::Result<()> {
        let [out, back] = general(protection);
        let id = id_of(&out.user_policy_info);
        self.requests.ask(XfrmMessage::AddPolicy(out), NLM_F_EXCL)?;
        if let Err(error) = self.requests.ask(XfrmMessage::AddPolicy(back), NLM_F_EXCL) {
            self.delete(&id)?;
            return Err(error);
        }
        self.required.insert(protection);
        Ok(())
    }

    fn release(&mut self, protection: Protection) -> io::Result<()> {
        self.required.remove(&protection);
        let policies = general(protection);
        policies.iter().map(|policy| self.delete(&id_of(&policy.user_policy_info))).fold(Ok(()), Result::and)
    }

    /// Takes an SA for a peer that the general policy would not take.
    pub(super) fn except(&mut self, exception: Exception) -> io::Result<()> {
        if self.exceptions.contains(&exception) {
            return Ok(());
        }
        // The kernel has one policy for each selector: the new one takes the place of the old.
        for message in messages(exception) {
            self.requests.ask(XfrmMessage::UpdatePolicy(message), 0)?;
        }
        self.exceptions.retain(|known| !is_same_place(known, &exception));
        self.exceptions.push(exception);
        Ok(())
    }

    /// The general policy is enough again.
    pub(super) fn retract(&mut self, exception: Exception) -> io::Result<()> {
        let Some(at) = self.exceptions.iter().position(|known| *known == exception) else { return Ok(()) };
        self.exceptions.swap_remove(at);
        for message in messages(exception) {
            self.delete(&id_of(&message.user_policy_info))?;
        }
        Ok(())
    }

    /// Takes all of them out. The GRE interfaces are down by then.
    pub(in super::super) fn clear(&mut self) -> io::Result<()> {
        for exception in std::mem::take(&mut self.exceptions) {
            for message in messages(exception) {
                self.delete(&id_of(&message.user_policy_info))?;
            }
        }
        let required: Vec<Protection> = self.required.iter().copied().collect();
        required.into_iter().map(|protection| self.release(protection)).fold(Ok(()), Result::and)
    }

    fn delete(&mut self, id: &UserPolicyId) -> io::Result<()> {
        let message = DelGetMessage { user_policy_id: *id, nlas: Vec::new() };
        match self.requests.ask(XfrmMessage::DeletePolicy(message), 0) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }
}

/// The policies for all peers.
fn general(protection: Protection) -> [ModifyMessage; 2] {
    [XFRM_POLICY_OUT, XFRM_POLICY_IN].map(|direction| {
        let selector = selector(direction, protection.local, None, protection.key);
        policy(direction, PRIORITY_ALL, selector, template())
    })
}

/// The policies of an exception. In tunnel mode the general policy does not fit what comes in, either.
fn messages(exception: Exception) -> Vec<ModifyMessage> {
    let Exception { local, remote, spi, tunnel_mode } = exception;
    let directions: &[u8] = if tunnel_mode { &[XFRM_POLICY_OUT, XFRM_POLICY_IN] } else { &[XFRM_POLICY_OUT] };
    let message = |direction: &u8| {
        let is_out = *direction == XFRM_POLICY_OUT;
        let selector = selector(*direction, local, Some(remote), None);
        let mut template = template();
        if tunnel_mode {
            template.mode = XFRM_MODE_TUNNEL;
            let (source, destination) = if is_out { (local, remote) } else { (remote, local) };
            template.source(&IpAddr::V4(source));
            template.destination(&IpAddr::V4(destination));
        }
        if let (true, Some(spi)) = (is_out, spi) {
            template.id.spi = spi;
        }
        policy(*direction, PRIORITY_PEER, selector, template)
    };
    directions.iter().map(message).collect()
}

fn is_same_place(one: &Exception, other: &Exception) -> bool {
    (one.local, one.remote, one.tunnel_mode) == (other.local, other.remote, other.tunnel_mode)
}

/// GRE between our address and a peer's, or all peers'. The kernel keeps a GRE key where ports are.
fn selector(direction: u8, local: Ipv4Addr, remote: Option<Ipv4Addr>, key: Option<u32>) -> Selector {
    let mut selector = Selector { family: AF_INET, proto: IPPROTO_GRE, ..Selector::default() };
    let local = IpAddr::V4(local);
    let remote = remote.map(IpAddr::V4);
    if direction == XFRM_POLICY_OUT {
        selector.source_prefix(&local, 32);
        remote.iter().for_each(|remote| selector.destination_prefix(remote, 32));
    } else {
        selector.destination_prefix(&local, 32);
        remote.iter().for_each(|remote| selector.source_prefix(remote, 32));
    }
    if let Some(key) = key {
        let [a, b, c, d] = key.to_be_bytes();
        (selector.sport, selector.sport_mask) = (u16::from_be_bytes([a, b]), u16::MAX);
        (selector.dport, selector.dport_mask) = (u16::from_be_bytes([c, d]), u16::MAX);
    }
    selector
}

/// ESP in transport mode, required.
fn template() -> UserTemplate {
    let mut template =
        UserTemplate { family: AF_INET, reqid: REQID, mode: XFRM_MODE_TRANSPORT, ..UserTemplate::default() };
    template.id.proto = IPPROTO_ESP;
    template
}

fn policy(direction: u8, priority: u32, selector: Selector, template: UserTemplate) -> ModifyMessage {
    let user_policy_info =
        UserPolicyInfo { selector, priority, direction, action: XFRM_POLICY_ALLOW, ..Default::default() };
    ModifyMessage { user_policy_info, nlas: vec![XfrmAttrs::Template(vec![template])] }
}

fn id_of(info: &UserPolicyInfo) -> UserPolicyId {
    UserPolicyId { selector: info.selector, direction: info.direction, ..UserPolicyId::default() }
}

/// Whether a router of ours with one of these sources made the policy.
fn is_ours(policy: &ModifyMessage, sources: &[Ipv4Addr]) -> bool {
    let selector = &policy.user_policy_info.selector;
    let local = match policy.user_policy_info.direction {
        XFRM_POLICY_OUT => selector.saddr.to_ipv4(),
        _ => selector.daddr.to_ipv4(),
    };
    let by_reqid = policy.nlas.iter().any(|nla| match nla {
        XfrmAttrs::Template(templates) => templates.iter().any(|template| template.reqid == REQID),
        _ => false,
    });
    by_reqid && sources.contains(&local)
}
