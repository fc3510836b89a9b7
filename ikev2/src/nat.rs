//! NAT detection (RFC 7296 section 2.23).

use std::net::{IpAddr, SocketAddr};

use sha1::{Digest as _, Sha1};

use crate::io::UdpPath;
use crate::wire::{Notify, NotifyType, Payload};

/// Who is behind a NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Nat {
    /// We are.
    pub(crate) local: bool,
    /// The peer is, or says so to force UDP encapsulation.
    pub(crate) remote: bool,
}

impl Nat {
    pub(crate) const fn any(self) -> bool {
        self.local || self.remote
    }
}

/// SHA-1(SPIi | SPIr | address | port): not a secret, and not a matter of security, so SHA-1 does.
fn hash(spi_i: u64, spi_r: u64, endpoint: SocketAddr) -> Vec<u8> {
    let mut sha = Sha1::new();
    sha.update(spi_i.to_be_bytes());
    sha.update(spi_r.to_be_bytes());
    match endpoint.ip() {
        IpAddr::V4(address) => sha.update(address.octets()),
        IpAddr::V6(address) => sha.update(address.octets()),
    }
    sha.update(endpoint.port().to_be_bytes());
    sha.finalize().to_vec()
}

/// The two notifies of one message. `pretend` sends a source that cannot match, so that the peer sees a NAT and
/// encapsulates in UDP.
pub(crate) fn notifies(spi_i: u64, spi_r: u64, path: UdpPath, pretend: bool) -> [Payload; 2] {
    let mut source = hash(spi_i, spi_r, path.local);
    if pretend {
        for byte in &mut source {
            *byte = !*byte;
        }
    }
    let destination = hash(spi_i, spi_r, path.remote);
    [
        Payload::Notify(Notify::with_data(NotifyType::NAT_DETECTION_SOURCE_IP, source)),
        Payload::Notify(Notify::with_data(NotifyType::NAT_DETECTION_DESTINATION_IP, destination)),
    ]
}

/// What the notifies of a received message say. A peer without them knows no NAT traversal: no NAT then.
pub(crate) fn detect(spi_i: u64, spi_r: u64, path: UdpPath, payloads: &[Payload]) -> Nat {
    let of = |wanted: NotifyType| {
        payloads.iter().filter_map(move |payload| match payload {
            Payload::Notify(notify) if notify.notify_type == wanted => Some(&notify.data),
            _ => None,
        })
    };
    let (remote, local) = (hash(spi_i, spi_r, path.remote), hash(spi_i, spi_r, path.local));
    let mut sources = of(NotifyType::NAT_DETECTION_SOURCE_IP).peekable();
    let mut destinations = of(NotifyType::NAT_DETECTION_DESTINATION_IP).peekable();
    Nat {
        // Several sources may be listed by a host that does not know its own address: one match suffices.
        remote: sources.peek().is_some() && !sources.any(|data| *data == remote),
        local: destinations.peek().is_some() && !destinations.any(|data| *data == local),
    }
}
