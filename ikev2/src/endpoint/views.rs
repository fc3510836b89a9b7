//! Views of what is.

use super::Endpoint;
use super::child::{Child, Phase};
use super::ike_sa::{IkeSa, Role, State};
use crate::ids::{ChildId, PeerId};
use crate::view::{ChildState, ChildView, IkeSaView, IkeState, PeerView};

impl Endpoint {
    pub(super) fn peer_views(&self) -> impl Iterator<Item = PeerView> + '_ {
        self.peers.keys().filter_map(|id| self.peer_view(*id))
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<PeerView> {
        self.peer_view(id)
    }

    fn peer_view(&self, id: PeerId) -> Option<PeerView> {
        let peer = self.peers.get(&id)?;
        let sas = || peer.sas.iter().filter_map(|key| self.sa(*key));
        let children = sas().flat_map(|sa| sa.children.iter().copied());
        Some(PeerView {
            peer: id,
            identity: peer.identity.clone(),
            remote: peer.remote,
            since: peer.since,
            ike_sas: sas().filter_map(|sa| self.ike_view(sa)).collect(),
            children: children.filter_map(|id| Some(child_view(id, self.children.get(id)?))).collect(),
            outbound: peer.outbound,
        })
    }

    fn ike_view(&self, sa: &IkeSa) -> Option<IkeSaView> {
        let profile = self.profile(sa.profile)?;
        Some(IkeSaView {
            state: match sa.state {
                State::Established => IkeState::Ready,
                State::Superseded | State::Closing => IkeState::Deleting,
                _ => IkeState::Negotiating,
            },
            path: sa.path,
            initiator: sa.role == Role::Initiator,
            spi_i: sa.spi_i(),
            spi_r: sa.spi_r(),
            suite: sa.suite?,
            profile: sa.profile,
            local_identity: sa.local_identity.clone(),
            created: sa.created,
            lifetime: profile.lifetime,
            nat_local: sa.nat.local,
            nat_remote: sa.nat.remote,
            ppk: sa.ppk,
            fragmentation: sa.fragmentation,
            dpd: profile.dpd,
            local_window: self.config.window,
            remote_window: sa.requests.peer_size(),
            next_request_id: sa.requests.next_id(),
            next_expected_id: sa.window.base(),
            last_received: sa.last_received,
        })
    }
}

fn child_view(id: ChildId, child: &Child) -> ChildView {
    ChildView {
        child: id,
        state: match child.phase {
            Phase::InboundOnly => ChildState::InboundOnly,
            Phase::Active if child.rekeying => ChildState::Rekeying,
            Phase::Active => ChildState::Active,
            Phase::Superseded | Phase::Deleting => ChildState::Deleting,
            Phase::Draining => ChildState::Draining,
        },
        inbound_spi: child.local_spi,
        outbound_spi: child.remote_spi,
        suite: child.suite,
        mode: child.mode,
        local_selectors: child.local_selectors.clone(),
        remote_selectors: child.remote_selectors.clone(),
        created: child.created,
        lifetime: child.lifetime,
        last_inbound: child.last_inbound,
        udp_encapsulation: child.udp,
    }
}
