//! The sockets of one underlay address.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use dmvpn::{Path, Wire};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::super::Error;
use super::ip;

/// IKE.
const IKE_PORT: u16 = 500;
/// IKE and ESP behind NAT.
const NAT_PORT: u16 = 4500;
const GRE: u8 = 47;
const ESP: u8 = 50;
/// An IPv4 header without options.
const IP_HEADER: usize = 20;
/// A burst of a few thousand packets fits.
const RECEIVE_BUFFER: usize = 4 << 20;

/// What came in on a socket.
pub(in crate::router) struct Arrival {
    /// Where it came from, and how.
    pub(in crate::router) path: Path,
    /// Where in the buffer its payload begins.
    pub(in crate::router) start: usize,
    /// Where it ends.
    pub(in crate::router) end: usize,
}

/// A socket of an underlay address.
pub(in crate::router) struct Port {
    local: Ipv4Addr,
    kind: Kind,
    /// The TOS that the socket sends with now.
    tos: u8,
}

enum Kind {
    Udp { socket: mio::net::UdpSocket, port: u16 },
    Raw { socket: Socket, with_header: Socket, wire: Wire },
}

impl Port {
    /// Opens the sockets for an underlay address.
    pub(in crate::router) fn open_all(local: IpAddr, with_gre: bool) -> Result<Vec<Self>, Error> {
        let mut ports = Self::open_udp(local)?;
        let IpAddr::V4(local) = local else { return Ok(ports) };
        let raws = [(ESP, Wire::Esp, "ESP"), (GRE, Wire::Gre, "GRE")];
        for (protocol, wire, name) in raws {
            if wire == Wire::Gre && !with_gre {
                continue;
            }
            let sockets = raw(local, protocol).and_then(|socket| Ok((socket, raw_with_header()?)));
            let (socket, with_header) =
                sockets.map_err(|error| explain(&format!("{name} {local}"), &error))?;
            ports.push(Self { local, kind: Kind::Raw { socket, with_header, wire }, tos: 0 });
        }
        Ok(ports)
    }

    /// Opens the UDP sockets alone.
    pub(in crate::router) fn open_udp(local: IpAddr) -> Result<Vec<Self>, Error> {
        let IpAddr::V4(local) = local else {
            return Err(format!("{local}: the underlay has to be IPv4").into());
        };
        let mut ports = Vec::new();
        for port in [IKE_PORT, NAT_PORT] {
            let opened = udp(local, port);
            let socket = opened.map_err(|error| explain(&format!("UDP {local}:{port}"), &error))?;
            ports.push(Self { local, kind: Kind::Udp { socket, port }, tos: 0 });
        }
        Ok(ports)
    }

    /// The socket that IKE and ESP behind NAT share, if it is this one.
    pub(in crate::router) fn nat_socket(&self) -> Option<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Udp { socket, port: NAT_PORT } => Some(socket.as_fd()),
            _ => None,
        }
    }

    pub(in crate::router) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.kind {
            Kind::Udp { socket, .. } => registry.register(socket, token, Interest::READABLE),
            Kind::Raw { socket, .. } => {
                registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)
            }
        }
    }

    /// Whether packets for this path leave by this socket.
    pub(in crate::router) fn serves(&self, path: &Path) -> bool {
        let wire = match (&self.kind, path.wire) {
            (Kind::Udp { port, .. }, Wire::Udp { local_port, .. }) => *port == local_port,
            (Kind::Raw { wire, .. }, asked) => *wire == asked,
            (Kind::Udp { .. }, _) => false,
        };
        wire && path.local == IpAddr::V4(self.local)
    }

    /// The next packet; none if it is one that no engine takes.
    pub(in crate::router) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Arrival>> {
        let local = IpAddr::V4(self.local);
        match &self.kind {
            Kind::Udp { socket, port } => {
                let (len, from) = socket.recv_from(buffer)?;
                let wire = Wire::Udp { local_port: *port, remote_port: from.port() };
                Ok(Some(Arrival { path: Path::new(local, from.ip(), wire), start: 0, end: len }))
            }
            Kind::Raw { socket, wire, .. } => {
                let mut socket = socket;
                let len = socket.read(buffer)?;
                let packet = buffer.get(..len).unwrap_or_default();
                let Some((source, tos, payload)) = ip::payload(packet) else { return Ok(None) };
                let mut path = Path::new(local, IpAddr::V4(source), *wire);
                path.tos = tos;
                Ok(Some(Arrival { path, start: len - payload.len(), end: len }))
            }
        }
    }

    /// Sends a payload on a path that this socket serves.
    pub(in crate::router) fn send(&mut self, path: &Path, payload: &[u8]) -> io::Result<()> {
        let IpAddr::V4(remote) = path.remote else { return Err(io::ErrorKind::Unsupported.into()) };
        let Kind::Raw { with_header, wire, .. } = &self.kind else {
            return self.send_from_socket(path, remote, payload);
        };
        if !path.dont_fragment {
            return self.send_from_socket(path, remote, payload);
        }
        // The kernel cuts what a raw socket sends to the path's MTU, unless the header is ours.
        let protocol = if *wire == Wire::Esp { ESP } else { GRE };
        let packet = with_ip_header(self.local, remote, protocol, path.tos, payload)?;
        with_header.send_to(&packet, &destination(remote, 0)).map(|_| ())
    }

    fn send_from_socket(&mut self, path: &Path, remote: Ipv4Addr, payload: &[u8]) -> io::Result<()> {
        if self.tos != path.tos {
            let set = match &self.kind {
                Kind::Udp { socket, .. } => SockRef::from(socket).set_tos_v4(u32::from(path.tos)),
                Kind::Raw { socket, .. } => socket.set_tos_v4(u32::from(path.tos)),
            };
            set?;
            self.tos = path.tos;
        }
        match (&self.kind, path.wire) {
            (Kind::Udp { socket, .. }, Wire::Udp { remote_port, .. }) => {
                socket.send_to(payload, SocketAddr::V4(SocketAddrV4::new(remote, remote_port))).map(|_| ())
            }
            (Kind::Raw { socket, .. }, _) => socket.send_to(payload, &destination(remote, 0)).map(|_| ()),
            (Kind::Udp { .. }, _) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

fn udp(local: Ipv4Addr, port: u16) -> io::Result<mio::net::UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&destination(local, port))?;
    prepare(&socket)?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}

fn raw(local: Ipv4Addr, protocol: u8) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(protocol))))?;
    socket.bind(&destination(local, 0))?;
    prepare(&socket)?;
    Ok(socket)
}

/// A raw socket that sends packets with a header of ours. It receives nothing: protocol 255 is nobody's.
fn raw_with_header() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255)))?;
    socket.set_header_included_v4(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn prepare(socket: &Socket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // The system may grant less; that is no reason to stop.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(())
}

fn destination(address: Ipv4Addr, port: u16) -> SockAddr {
    SockAddr::from(SocketAddrV4::new(address, port))
}

/// A packet with an IPv4 header that forbids fragmentation. The kernel fills in the identification and the checksum.
fn with_ip_header(
    local: Ipv4Addr,
    remote: Ipv4Addr,
    protocol: u8,
    tos: u8,
    payload: &[u8],
) -> io::Result<Vec<u8>> {
    /// "Don't fragment", in the upper byte of flags and fragment offset.
    const DONT_FRAGMENT: u8 = 0x40;
    const TTL: u8 = 255;
    let total = u16::try_from(IP_HEADER + payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let [high, low] = total.to_be_bytes();
    let mut packet = Vec::with_capacity(IP_HEADER + payload.len());
    packet.extend_from_slice(&[0x45, tos, high, low, 0, 0, DONT_FRAGMENT, 0, TTL, protocol, 0, 0]);
    packet.extend_from_slice(&local.octets());
    packet.extend_from_slice(&remote.octets());
    packet.extend_from_slice(payload);
    Ok(packet)
}

/// Says what a person can do about a socket that does not open.
fn explain(what: &str, error: &io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => ": this needs CAP_NET_RAW (and CAP_NET_BIND_SERVICE for UDP 500)",
        io::ErrorKind::AddrNotAvailable => ": no interface of this machine has the tunnel source's address",
        io::ErrorKind::AddrInUse => ": another IKE daemon is running here",
        _ => "",
    };
    format!("{what}: {error}{advice}").into()
}
