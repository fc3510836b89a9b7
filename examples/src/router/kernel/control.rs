//! Control packets on a GRE interface: NHRP and OSPF by packet sockets.
//!
//! A packet socket on a multipoint GRE interface sees the outer IP header and the GRE header in front of the payload, and
//! the addresses that it sends to are those in the outer header that it gives: so control packets need no neighbour
//! entry, and a multicast packet can go to one peer. XFRM protects them like all GRE.

use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use dmvpn::forward::{ControlPacket, ControlProtocol, TunnelSettings};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::ifaddrs::getifaddrs;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockFilter, Socket, Type};

use super::super::Error;
use super::device::Device;

/// OSPF's protocol number.
const OSPF: i32 = 89;
/// AllSPFRouters and AllDRouters (RFC 2328 appendix A.1).
const OSPF_GROUPS: [Ipv4Addr; 2] = [Ipv4Addr::new(224, 0, 0, 5), Ipv4Addr::new(224, 0, 0, 6)];
/// An IPv4 header without options.
const IP_HEADER: usize = 20;
/// IP protocol number of GRE.
const GRE: u8 = 47;
/// The key-present bit in the first byte of a GRE header.
const KEY_PRESENT: u8 = 0x20;
/// A burst of a few thousand control packets fits.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The control sockets of one tunnel.
pub(super) struct Control {
    nhrp: Socket,
    /// Sends IPv4, and receives OSPF alone: data packets are not for this program.
    ipv4: Socket,
    /// Joins OSPF's groups, and tells the kernel that OSPF is spoken here; it would say otherwise to neighbours.
    _ospf: Socket,
    key: Option<u32>,
    local: Ipv4Addr,
}

/// A control packet that came in.
pub(super) struct Received {
    /// The sender's underlay address.
    pub(super) remote: Ipv4Addr,
    /// Where in the buffer the payload begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Control {
    /// Opens the sockets on a device that exists.
    pub(super) fn open(device: &Device, local: Ipv4Addr) -> Result<Self, Error> {
        let explain = |what: &'static str| {
            let name = device.name.clone();
            move |error: io::Error| {
                let advice = match error.kind() {
                    io::ErrorKind::PermissionDenied => ": this needs CAP_NET_RAW",
                    _ => "",
                };
                format!("{name}: no socket for {what}: {error}{advice}")
            }
        };
        let TunnelSettings { key, .. } = device.settings;
        let nhrp = packet_socket(&device.name, ControlProtocol::Nhrp, &[]).map_err(explain("NHRP"))?;
        let ipv4 =
            packet_socket(&device.name, ControlProtocol::Ipv4, &only_ospf()).map_err(explain("OSPF"))?;
        let ospf = ospf_socket(device).map_err(explain("OSPF"))?;
        Ok(Self { nhrp, ipv4, _ospf: ospf, key, local })
    }

    pub(super) fn register(&self, registry: &Registry, tokens: [Token; 2]) -> io::Result<()> {
        for (socket, token) in [&self.nhrp, &self.ipv4].into_iter().zip(tokens) {
            registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        }
        Ok(())
    }

    /// The tunnel has this GRE key from now on.
    pub(super) fn set_key(&mut self, key: Option<u32>) {
        self.key = key;
    }

    /// Sends a control packet to its peer.
    pub(super) fn send(&self, control: &ControlPacket, remote: Ipv4Addr) -> io::Result<()> {
        let socket = match control.protocol {
            ControlProtocol::Nhrp => &self.nhrp,
            ControlProtocol::Ipv4 => &self.ipv4,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let ethertype = control.protocol.ethertype();
        let frame = frame(self.local, remote, self.key, control.tos, ethertype, &control.payload);
        socket.send(&frame).map(|_| ())
    }

    /// The next packet of a protocol; none if it is not one.
    pub(super) fn receive(
        &self,
        protocol: ControlProtocol,
        buffer: &mut [u8],
    ) -> io::Result<Option<Received>> {
        let mut socket = match protocol {
            ControlProtocol::Nhrp => &self.nhrp,
            _ => &self.ipv4,
        };
        let len = socket.read(buffer)?;
        let found = buffer.get(..len).and_then(payload);
        Ok(found.map(|(remote, start)| Received { remote, start, end: len }))
    }
}

/// A classic BPF program that takes IPv4 packets with OSPF in them.
fn only_ospf() -> [SockFilter; 4] {
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_EQUAL: u16 = 0x15;
    /// Offsets from here on count from the network header, which is the inner one.
    const NETWORK_HEADER: u32 = 0xfff0_0000;
    const PROTOCOL: u32 = 9;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, NETWORK_HEADER + PROTOCOL),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, OSPF.unsigned_abs()),
        SockFilter::new(BPF_RETURN, 0, 0, u32::MAX),
        SockFilter::new(BPF_RETURN, 0, 0, 0),
    ]
}

/// The classic BPF instruction "return this many bytes".
const BPF_RETURN: u16 = 0x06;

/// A packet socket bound to a device.
fn packet_socket(device: &str, protocol: ControlProtocol, filter: &[SockFilter]) -> io::Result<Socket> {
    let number = i32::from(protocol.ethertype().to_be());
    // Until it is bound, the socket would take packets of all devices: the filter comes first, and what came in before
    // the bind is thrown away.
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(number)))?;
    if !filter.is_empty() {
        socket.attach_filter(filter)?;
    }
    let address = getifaddrs()?
        .filter(|interface| interface.interface_name == device)
        .filter_map(|interface| interface.address)
        .find(|address| address.as_link_addr().is_some())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
    nix::sys::socket::bind(socket.as_raw_fd(), &address)?;
    socket.set_nonblocking(true)?;
    let mut early = [0; 1];
    while (&socket).read(&mut early).is_ok() {}
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(socket)
}

fn ospf_socket(device: &Device) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(OSPF)))?;
    socket.bind_device(Some(device.name.as_bytes()))?;
    for group in OSPF_GROUPS {
        socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(device.index))?;
    }
    // What it gets is read elsewhere, with the sender's underlay address.
    socket.attach_filter(&[SockFilter::new(BPF_RETURN, 0, 0, 0)])?;
    Ok(socket)
}

/// What a packet socket on a multipoint GRE interface sends: the outer header, of which the kernel takes the destination
/// and the TOS and makes the rest, room for the GRE header, which the kernel writes, and the payload.
fn frame(
    local: Ipv4Addr,
    remote: Ipv4Addr,
    key: Option<u32>,
    tos: u8,
    ethertype: u16,
    payload: &[u8],
) -> Vec<u8> {
    const TTL: u8 = 255;
    let mut frame = vec![0x45, tos, 0, 0, 0, 0, 0, 0, TTL, GRE, 0, 0];
    frame.extend_from_slice(&local.octets());
    frame.extend_from_slice(&remote.octets());
    frame.extend_from_slice(&[if key.is_some() { KEY_PRESENT } else { 0 }, 0]);
    frame.extend_from_slice(&ethertype.to_be_bytes());
    if let Some(key) = key {
        frame.extend_from_slice(&key.to_be_bytes());
    }
    frame.extend_from_slice(payload);
    frame
}

/// The sender of a frame, and where behind the GRE header its payload begins.
fn payload(frame: &[u8]) -> Option<(Ipv4Addr, usize)> {
    const CHECKSUM_PRESENT: u8 = 0x80;
    const SEQUENCE_PRESENT: u8 = 0x10;
    let first = *frame.first()?;
    let ip = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || ip < IP_HEADER || *frame.get(9)? != GRE {
        return None;
    }
    let source: [u8; 4] = *frame.get(12..)?.first_chunk()?;
    let flags = *frame.get(ip)?;
    let optional = [CHECKSUM_PRESENT, KEY_PRESENT, SEQUENCE_PRESENT];
    let present = optional.iter().filter(|bit| flags & **bit != 0).count();
    let start = ip + 4 + 4 * present;
    (start <= frame.len()).then_some((Ipv4Addr::from(source), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

    /// A frame as the kernel hands it over: outer header, GRE with these flags, options, payload.
    fn arrived(flags: u8, options: usize) -> Vec<u8> {
        let mut frame = vec![0x45, 0xc0, 0, 0, 0, 0, 0, 0, 255, GRE, 0, 0];
        frame.extend_from_slice(&LOCAL.octets());
        frame.extend_from_slice(&[203, 0, 113, 1, flags, 0, 0x20, 0x01]);
        frame.resize(frame.len() + options, 0);
        frame.extend_from_slice(b"nhrp");
        frame
    }

    #[test]
    fn the_payload_begins_behind_what_the_gre_header_has() {
        for (flags, options) in [(0, 0), (0x20, 4), (0xb0, 12)] {
            let frame = arrived(flags, options);
            let (remote, start) = payload(&frame).expect("a GRE packet");
            assert_eq!((remote, &frame[start..]), (LOCAL, &b"nhrp"[..]));
        }
    }

    #[test]
    fn a_frame_that_is_sent_is_one_that_can_be_taken_apart() {
        let remote = Ipv4Addr::new(203, 0, 113, 1);
        for (key, len) in [(None, 24), (Some(100), 28)] {
            let frame = frame(LOCAL, remote, key, 0xc0, 0x2001, b"nhrp");
            assert_eq!(frame.len(), len + 4, "as long as the device's header, and the payload");
            assert_eq!(frame[1], 0xc0);
            assert_eq!(frame[16..20], remote.octets());
            assert_eq!(payload(&frame), Some((LOCAL, len)));
        }
    }

    #[test]
    fn what_is_cut_short_or_not_gre_is_left() {
        let whole = arrived(0x20, 4);
        let header = whole.len() - 4;
        for len in 0..header {
            assert_eq!(payload(&whole[..len]), None, "{len} bytes");
        }
        let mut other = whole.clone();
        other[9] = 50;
        assert_eq!(payload(&other), None, "ESP");
        let mut other = whole;
        other[0] = 0x44;
        assert_eq!(payload(&other), None, "a header of 16 bytes");
    }
}
