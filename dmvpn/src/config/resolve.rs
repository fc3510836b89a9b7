//! What the names and the gaps in a configuration mean.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use super::{
    AreaId, Config, IkePolicy, IkeProfile, IkeProposal, Interface, IpsecProfile, KeyChain, Keyring,
    KeyringPeer, OspfAuthentication, OspfNetworkType, ReplayWindow, Secret, TransformSet, Tunnel,
    TunnelSource, VolumeLimit,
};

impl Config {
    /// The interface with this name.
    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The tunnels, in the order of the file.
    pub fn tunnels(&self) -> impl Iterator<Item = (&Interface, &Tunnel)> {
        self.interfaces.iter().filter_map(|interface| Some((interface, interface.tunnel.as_ref()?)))
    }

    /// The keyring with this name.
    #[must_use]
    pub fn keyring(&self, name: &str) -> Option<&Keyring> {
        self.keyrings.iter().find(|keyring| keyring.name == name)
    }

    /// The IKEv2 proposal with this name.
    #[must_use]
    pub fn ike_proposal(&self, name: &str) -> Option<&IkeProposal> {
        self.ike_proposals.iter().find(|proposal| proposal.name == name)
    }

    /// The IKEv2 profile with this name.
    #[must_use]
    pub fn ike_profile(&self, name: &str) -> Option<&IkeProfile> {
        self.ike_profiles.iter().find(|profile| profile.name == name)
    }

    /// The transform set with this name.
    #[must_use]
    pub fn transform_set(&self, name: &str) -> Option<&TransformSet> {
        self.transform_sets.iter().find(|set| set.name == name)
    }

    /// The IPsec profile with this name.
    #[must_use]
    pub fn ipsec_profile(&self, name: &str) -> Option<&IpsecProfile> {
        self.ipsec_profiles.iter().find(|profile| profile.name == name)
    }

    /// The key chain with this name.
    #[must_use]
    pub fn key_chain(&self, name: &str) -> Option<&KeyChain> {
        self.key_chains.iter().find(|chain| chain.name == name)
    }

    /// The policy for exchanges from one of our underlay addresses: the first that names the address, else the first that
    /// names none.
    #[must_use]
    pub fn ike_policy(&self, local: IpAddr) -> Option<&IkePolicy> {
        let named = self.ike_policies.iter().find(|policy| policy.match_local_addresses.contains(&local));
        named.or_else(|| self.ike_policies.iter().find(|policy| policy.match_local_addresses.is_empty()))
    }

    /// The proposals for exchanges from one of our underlay addresses, in the order of preference: those of the policy
    /// that exist; without a policy, or one without proposals, [`IkeProposal::smart_default`] (or a proposal that is
    /// configured under its name).
    #[must_use]
    pub fn proposals_for(&self, local: IpAddr) -> Vec<IkeProposal> {
        let default = || {
            self.ike_proposal(IkeProposal::DEFAULT_NAME).cloned().unwrap_or_else(IkeProposal::smart_default)
        };
        match self.ike_policy(local) {
            Some(policy) if !policy.proposals.is_empty() => policy
                .proposals
                .iter()
                .filter_map(|name| match self.ike_proposal(name) {
                    None if name == IkeProposal::DEFAULT_NAME => Some(default()),
                    found => found.cloned(),
                })
                .collect(),
            _ => vec![default()],
        }
    }

    /// The underlay address from which a tunnel sends; `None` where the interface does not exist or its address is not
    /// in the configuration.
    #[must_use]
    pub fn tunnel_nbma(&self, tunnel: &Tunnel) -> Option<IpAddr> {
        match tunnel.source.as_ref()? {
            TunnelSource::Address(address) => Some(*address),
            TunnelSource::Interface(name) => {
                self.interface(name)?.address.map(|address| IpAddr::V4(address.address))
            }
        }
    }

    /// How long a child SA of this profile lives: its own setting, else the router's, else 3600 seconds.
    #[must_use]
    pub fn sa_lifetime(&self, profile: &IpsecProfile) -> Duration {
        profile.limits.lifetime.or(self.ipsec.lifetime).unwrap_or(Duration::from_secs(3600))
    }

    /// After how much data a child SA of this profile ends: its own setting, else the router's, else 4608000 kilobytes.
    #[must_use]
    pub fn sa_volume(&self, profile: &IpsecProfile) -> VolumeLimit {
        profile.limits.volume.or(self.ipsec.volume).unwrap_or(VolumeLimit::Kilobytes(4_608_000))
    }

    /// After how much silence a child SA of this profile ends; `None`: never.
    #[must_use]
    pub fn sa_idle_time(&self, profile: &IpsecProfile) -> Option<Duration> {
        profile.limits.idle_time.or(self.ipsec.idle_time)
    }

    /// The replay window of this profile: its own setting, else the router's, else 1024 packets. (IOS has 64, which loses
    /// packets as soon as a queue on the way reorders them.)
    #[must_use]
    pub fn replay_window(&self, profile: &IpsecProfile) -> ReplayWindow {
        profile.limits.replay_window.or(self.ipsec.replay_window).unwrap_or(ReplayWindow::Packets(1024))
    }

    /// The keys for a peer: first ours, then the peer's. The profile's own keys come before those of its keyring, in
    /// which the longest prefix around `nbma` decides, and an entry by identity decides over all prefixes.
    #[must_use]
    pub fn pre_shared_keys<'a>(
        &'a self,
        profile: &'a IkeProfile,
        nbma: IpAddr,
        identity: Option<&super::Identity>,
    ) -> (Option<&'a Secret>, Option<&'a Secret>) {
        let peer = profile
            .keyring
            .as_deref()
            .and_then(|name| self.keyring(name))
            .and_then(|k| k.peer(nbma, identity));
        let local = profile.local_key.as_ref().or_else(|| peer.and_then(|peer| peer.local_key.as_ref()));
        let remote = profile.remote_key.as_ref().or_else(|| peer.and_then(|peer| peer.remote_key.as_ref()));
        (local, remote)
    }

    /// The OSPF area of an interface, if it takes part: by `ip ospf PROCESS area`, else by the `network` lines.
    #[must_use]
    pub fn ospf_area(&self, interface: &Interface) -> Option<AreaId> {
        let ospf = self.ospf.as_ref()?;
        match interface.ospf.area {
            Some((process, area)) if process == ospf.process => Some(area),
            _ => ospf.area_of(interface.address?.address),
        }
    }

    /// The network type of an interface: the configured one; else point-to-point for a tunnel and broadcast for the rest.
    #[must_use]
    pub fn ospf_network_type(&self, interface: &Interface) -> OspfNetworkType {
        interface.ospf.network.unwrap_or(if interface.tunnel.is_some() {
            OspfNetworkType::PointToPoint
        } else {
            OspfNetworkType::Broadcast
        })
    }

    /// How often Hellos leave an interface.
    #[must_use]
    pub fn ospf_hello_interval(&self, interface: &Interface) -> Duration {
        interface
            .ospf
            .hello_interval
            .unwrap_or_else(|| self.ospf_network_type(interface).default_hello_interval())
    }

    /// After how much silence a neighbour on an interface counts as gone.
    #[must_use]
    pub fn ospf_dead_interval(&self, interface: &Interface) -> Duration {
        interface.ospf.dead_interval.unwrap_or_else(|| self.ospf_hello_interval(interface) * 4)
    }

    /// The cost of an interface: the configured one, else the reference bandwidth divided by its own (1 to 65535).
    #[must_use]
    pub fn ospf_cost(&self, interface: &Interface) -> u16 {
        interface.ospf.cost.unwrap_or_else(|| {
            let reference = self.ospf.as_ref().map_or(100, |ospf| ospf.reference_bandwidth);
            let cost = u64::from(reference) * 1000 / u64::from(interface.effective_bandwidth().max(1));
            u16::try_from(cost).unwrap_or(u16::MAX).max(1)
        })
    }

    /// How packets of an interface are authenticated: as the interface says, else its area, else not.
    #[must_use]
    pub fn ospf_authentication(&self, interface: &Interface) -> OspfAuthentication {
        let of_area = || {
            let area = self.ospf_area(interface)?;
            self.ospf.as_ref()?.area(area)?.authentication.clone()
        };
        interface.ospf.authentication.clone().or_else(of_area).unwrap_or(OspfAuthentication::Null)
    }

    /// The OSPF router id: the configured one, or the highest address of a loopback that is up, or the address of the
    /// first tunnel that is up, or the highest address of any other interface.
    ///
    /// IOS knows no step with tunnels: it would take the WAN's address as soon as that is the highest. The tunnel's is the
    /// one that a cloud is sure to be unique in, that stays when the provider gives another, and that the guide's outputs
    /// show.
    #[must_use]
    pub fn ospf_router_id(&self) -> Option<Ipv4Addr> {
        if let Some(id) = self.ospf.as_ref().and_then(|ospf| ospf.router_id) {
            return Some(id);
        }
        let up = |wanted: fn(&Interface) -> bool| {
            let interfaces = self.interfaces.iter().filter(move |i| !i.shutdown && wanted(i));
            interfaces.filter_map(|interface| Some(interface.address?.address))
        };
        up(|interface| interface.name.starts_with("Loopback"))
            .max()
            .or_else(|| up(|interface| interface.tunnel.is_some()).next())
            .or_else(|| up(|_| true).max())
    }
}

impl Keyring {
    /// The entry for a peer: that with its identity, else that with the longest prefix around its underlay address.
    #[must_use]
    pub fn peer(&self, nbma: IpAddr, identity: Option<&super::Identity>) -> Option<&KeyringPeer> {
        let by_identity =
            self.peers.iter().find(|peer| peer.identity.is_some() && peer.identity.as_ref() == identity);
        by_identity.or_else(|| {
            self.peers
                .iter()
                .filter_map(|peer| Some((peer.address?, peer)))
                .filter(|(prefix, _)| prefix.contains(&nbma))
                // The first of equals: `max_by_key` alone would take the last.
                .rev()
                .max_by_key(|(prefix, _)| prefix.prefix_len())
                .map(|(_, peer)| peer)
        })
    }
}
