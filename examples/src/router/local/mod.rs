//! `--local`: a router without privileges, for a look.
//!
//! It touches nothing of the system but UDP sockets on loopback addresses. The underlay is a wire made of them: an
//! underlay address A.B.C.D lives on 127.B.C.D, and each whole underlay packet (ESP, IKE, their headers) travels as the
//! payload of a UDP datagram to the port that all routers of the cloud have in common. Behind each LAN address there is a
//! host that answers ping, and `show 'ping ...'` pings from it.

mod commands;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use dmvpn::forward::Action;
use dmvpn::sim::host::RouterHosts;
use dmvpn::sim::{PingId, TracerouteId, decapsulate, encapsulate, ipv4};
use dmvpn::{Config, Engine, Packet, Path, Verdict};
use mio::net::UdpSocket;
use mio::{Interest, Registry};

use super::control::{Reply, Ticket};
use super::dataplane::{Dataplane, is_empty, token};
use super::{Args, Error, clock};

/// The largest IP packet.
const LARGEST_PACKET: usize = 65_535;
/// The host on a LAN has this number in its network.
const HOST: u32 = 10;

/// Sockets on loopback and the hosts behind the router. Its sources are the sockets.
pub(super) struct Local {
    underlay: Underlay,
    hosts: RouterHosts,
    running: Vec<(Ticket, Running)>,
    next_ticket: u64,
    packet: Packet,
    buffer: Vec<u8>,
}

/// The underlay: a socket for each of our addresses on it.
struct Underlay {
    wires: Vec<Wire>,
    port: u16,
    counters: Counters,
    identification: u16,
}

/// An underlay address and the socket that stands for it.
struct Wire {
    address: Ipv4Addr,
    socket: UdpSocket,
}

/// Something that a person waits for.
#[derive(Clone, Copy)]
enum Running {
    Ping(PingId),
    Traceroute(TracerouteId),
}

#[derive(Default)]
struct Counters {
    sent: u64,
    received: u64,
    send_failed: u64,
    foreign: u64,
}

impl Local {
    pub(super) fn open(engine: &Engine, args: &Args, registry: &Registry) -> Result<Self, Error> {
        let port = args.local.unwrap_or_default();
        let mut wires = Vec::new();
        for address in engine.underlay_addresses() {
            let IpAddr::V4(address) = address else {
                return Err(format!("{address}: the underlay has to be IPv4").into());
            };
            let place = SocketAddr::V4(SocketAddrV4::new(on_loopback(address), port));
            let mut socket = UdpSocket::bind(place).map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => {
                    format!("{place} (for {address}): this router runs already: {error}")
                }
                _ => format!("{place} (for {address}): {error}"),
            })?;
            registry.register(&mut socket, token(wires.len()), Interest::READABLE)?;
            wires.push(Wire { address, socket });
        }
        let hosts = RouterHosts::new(clock::now(), lan_hosts(engine.config()));
        for host in hosts.lan() {
            tracing::info!("a host with the address {host} answers ping");
        }
        Ok(Self {
            underlay: Underlay { wires, port, counters: Counters::default(), identification: 0 },
            hosts,
            running: Vec::new(),
            next_ticket: 0,
            packet: Packet::with_capacity(LARGEST_PACKET),
            buffer: vec![0; LARGEST_PACKET],
        })
    }

    fn receive(&mut self, engine: &mut Engine, source: usize) -> io::Result<()> {
        let Some(wire) = self.underlay.wires.get(source) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (len, from) = wire.socket.recv_from(&mut self.buffer)?;
        let datagram = ipv4::parse(self.buffer.get(..len).unwrap_or_default());
        let arrival = datagram.ok().and_then(|datagram| {
            let header = &datagram.header;
            let is_sender = from.ip() == IpAddr::V4(on_loopback(header.source));
            let is_ours = header.destination == wire.address;
            decapsulate(&datagram).ok().filter(|_| is_sender && is_ours && !header.is_fragment())
        });
        let Some((path, payload)) = arrival else {
            self.underlay.counters.foreign += 1;
            return Ok(());
        };
        self.underlay.counters.received += 1;
        self.packet.fill(payload);
        let verdict = engine.handle_wan(clock::now(), path, &mut self.packet);
        self.carry_out(engine, verdict);
        Ok(())
    }

    /// Does what the engine says about the packet, and all that follows from it: hosts answer.
    fn carry_out(&mut self, engine: &mut Engine, verdict: Verdict) {
        let now = clock::now();
        let mut verdict = Some(verdict);
        let mut answers = VecDeque::new();
        loop {
            match verdict {
                Some(Verdict::Transmit(path)) => self.underlay.transmit(&path, self.packet.bytes()),
                Some(Verdict::Deliver(delivery)) => {
                    answers.extend(self.hosts.deliver(engine, now, delivery, self.packet.bytes()));
                }
                _ => {}
            }
            let Some(answer) = answers.pop_front() else { return };
            verdict = Some(self.hand_in(engine, &answer));
        }
    }

    fn hand_in(&mut self, engine: &mut Engine, packet: &dmvpn::sim::host::HostPacket) -> Verdict {
        self.packet.fill(&packet.bytes);
        match packet.from_lan {
            true => engine.handle_lan(clock::now(), &mut self.packet),
            false => engine.handle_local(clock::now(), &mut self.packet),
        }
    }
}

impl Underlay {
    fn transmit(&mut self, path: &Path, payload: &[u8]) {
        match self.send(path, payload) {
            Ok(()) => self.counters.sent += 1,
            Err(_) => self.counters.send_failed += 1,
        }
    }

    fn send(&mut self, path: &Path, payload: &[u8]) -> io::Result<()> {
        let (IpAddr::V4(local), IpAddr::V4(remote)) = (path.local, path.remote) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let wire = self.wires.iter().find(|wire| wire.address == local);
        let wire = wire.ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.identification = self.identification.wrapping_add(1);
        let packet = encapsulate(path, payload, self.identification)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let to = SocketAddr::V4(SocketAddrV4::new(on_loopback(remote), self.port));
        wire.socket.send_to(&packet, to).map(|_| ())
    }
}

impl Dataplane for Local {
    fn take(&mut self, engine: &mut Engine, source: usize) -> bool {
        // A datagram to a router that is not there comes back as an error of the socket: the engine finds out by itself.
        self.receive(engine, source).map_or_else(|error| !is_empty(&error), |()| true)
    }

    fn transmit(&mut self, path: &Path, payload: &[u8]) {
        self.underlay.transmit(path, payload);
    }

    fn follow(&mut self, _engine: &mut Engine, _action: &Action) {}

    fn poll_timeout(&self) -> Option<std::time::Instant> {
        self.hosts.poll_timeout()
    }

    fn handle_timeout(&mut self, engine: &mut Engine, now: std::time::Instant) {
        for packet in self.hosts.handle_timeout(engine, now) {
            let verdict = self.hand_in(engine, &packet);
            self.carry_out(engine, verdict);
        }
    }

    fn command(&mut self, engine: &Engine, words: &[&str]) -> Option<Reply> {
        self.start(engine, words)
    }

    fn poll_answer(&mut self) -> Option<(Ticket, String)> {
        let hosts = &self.hosts;
        let done = self.running.iter().position(|(_, running)| is_finished(hosts, *running))?;
        let (ticket, running) = self.running.swap_remove(done);
        let text = match running {
            Running::Ping(id) => hosts.ping_report(id).map(ToString::to_string),
            Running::Traceroute(id) => hosts.traceroute_report(id).map(ToString::to_string),
        };
        Some((ticket, text.unwrap_or_default()))
    }

    fn report(&self) -> String {
        let mut text = String::new();
        for wire in &self.underlay.wires {
            let place = on_loopback(wire.address);
            let _ = writeln!(text, "underlay address {} is {place}:{}", wire.address, self.underlay.port);
        }
        for host in self.hosts.lan() {
            let _ = writeln!(text, "LAN host {host}");
        }
        let Counters { sent, received, send_failed, foreign } = &self.underlay.counters;
        let (stats, stray) = self.hosts.stats();
        let _ = writeln!(
            text,
            "wire: {received} received, {sent} sent, {send_failed} not taken by the kernel, {foreign} foreign"
        );
        let _ = writeln!(text, "hosts: {} pings answered, {stray} packets for nobody", stats.echoes);
        text
    }

    fn close(&mut self) {}
}

fn is_finished(hosts: &RouterHosts, running: Running) -> bool {
    match running {
        Running::Ping(id) => hosts.ping_report(id).is_none_or(|report| report.finished.is_some()),
        Running::Traceroute(id) => hosts.traceroute_report(id).is_none_or(|report| report.finished.is_some()),
    }
}

/// Where an underlay address lives.
const fn on_loopback(address: Ipv4Addr) -> Ipv4Addr {
    let [_, b, c, d] = address.octets();
    Ipv4Addr::new(127, b, c, d)
}

/// A host for each LAN: number ten of its network, or the next that is not the router.
fn lan_hosts(config: &Config) -> Vec<Ipv4Addr> {
    let is_source = |address: Ipv4Addr| {
        config.tunnels().any(|(_, tunnel)| config.tunnel_nbma(tunnel) == Some(IpAddr::V4(address)))
    };
    let lans = config.interfaces.iter().filter(|one| one.tunnel.is_none() && !one.shutdown);
    let addresses = lans.filter_map(|one| one.address).filter(|own| !is_source(own.address));
    let host = |own: dmvpn::config::InterfaceAddress| {
        let network = own.network();
        let mut hosts =
            network.hosts().skip(usize::try_from(HOST).unwrap_or_default() - 1).chain(network.hosts());
        hosts.find(|host| *host != own.address)
    };
    addresses.filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use dmvpn::config::ios;

    use super::*;

    #[test]
    fn each_lan_has_a_host_and_the_underlay_has_none() {
        let text = include_str!("../../../../dmvpn/tests/data/guide/spoke1.cfg");
        assert_eq!(lan_hosts(&ios::parse("spoke1.cfg", text).config), [Ipv4Addr::new(192, 168, 11, 10)]);
        let ten = text.replace("192.168.11.1 255.255.255.0", "192.168.11.10 255.255.255.0");
        assert_eq!(lan_hosts(&ios::parse("spoke1.cfg", &ten).config), [Ipv4Addr::new(192, 168, 11, 11)]);
        let small = text.replace("192.168.11.1 255.255.255.0", "192.168.11.1 255.255.255.252");
        assert_eq!(lan_hosts(&ios::parse("spoke1.cfg", &small).config), [Ipv4Addr::new(192, 168, 11, 2)]);
    }

    #[test]
    fn underlay_addresses_have_places_on_loopback() {
        assert_eq!(on_loopback(Ipv4Addr::new(203, 0, 113, 1)), Ipv4Addr::new(127, 0, 113, 1));
        assert!(on_loopback(Ipv4Addr::new(198, 51, 100, 2)).is_loopback());
    }
}
