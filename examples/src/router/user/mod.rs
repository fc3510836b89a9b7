//! The forwarding plane in user space: a TUN device for each tunnel, and sockets for the underlay.
//!
//! - `underlay`: UDP 500 and 4500, raw ESP, and raw GRE where a tunnel has no protection, for each underlay address;
//! - `device`: what the kernel routes to a TUN device goes to the engine; what the engine delivers comes out of it and is
//!   the kernel's again.
//!
//! The kernel is the LAN's router: it has the LAN's addresses, and it takes one off the TTL of each packet that it
//! forwards; see [`Options::host_routes_lans`](dmvpn::Options::host_routes_lans).

mod device;
mod ip;
pub(super) mod underlay;

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use dmvpn::forward::Action;
use dmvpn::{Delivery, Engine, Packet, Path, TunnelId, Verdict};
use mio::Registry;

use super::dataplane::{Dataplane, is_empty, token};
use super::routes::{NextHop, Routes};
use super::{Args, Error, clock};
use device::Device;
use underlay::Port;

/// The largest IP packet.
const LARGEST_PACKET: usize = 65_535;

/// What did not work on our side of the engine, and what did.
#[derive(Debug, Default)]
struct Counters {
    sent: u64,
    received: u64,
    /// From the kernel into tunnels.
    from_tunnels: u64,
    /// Out of tunnels to the kernel.
    to_tunnels: u64,
    /// The kernel did not take a packet for the underlay.
    send_failed: u64,
    /// The kernel did not take a packet out of a tunnel.
    write_failed: u64,
    /// Not IPv4.
    foreign: u64,
}

/// Sockets, devices and the kernel's routes into them. Its sources are the ports, then the devices.
pub(super) struct User {
    ports: Vec<Port>,
    devices: Vec<Device>,
    routes: Option<Routes>,
    counters: Counters,
    packet: Packet,
    buffer: Vec<u8>,
}

impl User {
    pub(super) fn open(engine: &Engine, args: &Args, registry: &Registry) -> Result<Self, Error> {
        let with_gre = engine
            .config()
            .tunnels()
            .any(|(interface, tunnel)| !interface.shutdown && tunnel.protection.is_none());
        let mut ports = Vec::new();
        for address in engine.underlay_addresses() {
            ports.extend(Port::open_all(address, with_gre)?);
        }
        let now = clock::now();
        let mut devices = Vec::new();
        for (interface, _) in engine.config().tunnels().filter(|(interface, _)| !interface.shutdown) {
            let name = &interface.name;
            let device = Device::open(engine, now, name, args.device_name(name)).map_err(|error| {
                let advice = match error.kind() {
                    io::ErrorKind::PermissionDenied => ": this needs CAP_NET_ADMIN and /dev/net/tun",
                    io::ErrorKind::NotFound => ": this needs /dev/net/tun",
                    _ => "",
                };
                format!("{name}: no TUN device: {error}{advice}")
            })?;
            devices.extend(device);
        }
        for (source, port) in ports.iter_mut().enumerate() {
            port.register(registry, token(source))?;
        }
        for (source, device) in (ports.len()..).zip(&devices) {
            device.register(registry, token(source))?;
        }
        if std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|text| text.trim() == "0") {
            tracing::warn!("net.ipv4.ip_forward is 0: LANs behind this router are not reached");
        }
        Ok(Self {
            ports,
            devices,
            routes: if args.no_routes { None } else { Some(Routes::open()?) },
            counters: Counters::default(),
            packet: Packet::with_capacity(LARGEST_PACKET),
            buffer: vec![0; LARGEST_PACKET],
        })
    }

    fn take_from_underlay(&mut self, engine: &mut Engine, port: usize) -> io::Result<()> {
        let Some(port) = self.ports.get(port) else { return Err(io::ErrorKind::WouldBlock.into()) };
        let Some(arrival) = port.receive(&mut self.buffer)? else {
            self.counters.foreign += 1;
            return Ok(());
        };
        self.counters.received += 1;
        self.packet.fill(self.buffer.get(arrival.start..arrival.end).unwrap_or_default());
        match engine.handle_wan(clock::now(), arrival.path, &mut self.packet) {
            Verdict::Transmit(path) => self.transmit_packet(&path),
            Verdict::Deliver(delivery) => self.deliver(delivery),
            Verdict::Consumed | Verdict::Dropped(_) => {}
        }
        Ok(())
    }

    fn take_from_kernel(&mut self, engine: &mut Engine, device: usize) -> io::Result<()> {
        let Some(device) = self.devices.get(device) else { return Err(io::ErrorKind::WouldBlock.into()) };
        let tunnel = device.tunnel;
        let len = device.receive(&mut self.buffer)?;
        let bytes = self.buffer.get(..len).unwrap_or_default();
        if !ip::is_ipv4(bytes) {
            self.counters.foreign += 1;
            return Ok(());
        }
        self.counters.from_tunnels += 1;
        self.packet.fill(bytes);
        match engine.handle_lan(clock::now(), &mut self.packet) {
            Verdict::Transmit(path) => self.transmit_packet(&path),
            // An ICMP error about the packet.
            Verdict::Deliver(_) => self.deliver(Delivery::Local(Some(tunnel))),
            Verdict::Consumed | Verdict::Dropped(_) => {}
        }
        Ok(())
    }

    /// Hands the packet to the kernel, by the device of the tunnel that it came by where that is known.
    fn deliver(&mut self, delivery: Delivery) {
        let came_by = match delivery {
            Delivery::Local(tunnel) => tunnel,
            Delivery::Lan => None,
        };
        let device = self.devices.iter().find(|device| Some(device.tunnel) == came_by);
        let Some(device) = device.or(self.devices.first()) else { return };
        match device.send(self.packet.bytes()) {
            Ok(()) => self.counters.to_tunnels += 1,
            Err(_) => self.counters.write_failed += 1,
        }
    }

    fn transmit_packet(&mut self, path: &Path) {
        let Self { ports, packet, counters, .. } = self;
        transmit(ports, counters, path, packet.bytes());
    }
}

impl Dataplane for User {
    fn take(&mut self, engine: &mut Engine, source: usize) -> bool {
        match source.checked_sub(self.ports.len()) {
            // A socket hands over the ICMP errors that it met, one by one; the engine finds dead peers by itself.
            None => self.take_from_underlay(engine, source).map_or_else(|error| !is_empty(&error), |()| true),
            // A device fails when somebody takes it away or down. It reports when it is back.
            Some(device) => self.take_from_kernel(engine, device).is_ok(),
        }
    }

    fn transmit(&mut self, path: &Path, payload: &[u8]) {
        transmit(&mut self.ports, &mut self.counters, path, payload);
    }

    fn follow(&mut self, _engine: &mut Engine, action: &Action) {
        let Self { routes, devices, .. } = self;
        if let Some(routes) = routes {
            routes.follow(action, |hops| {
                let index = hops.iter().find_map(|hop| index_of(devices, hop.tunnel));
                index.map(|index| NextHop { index, gateway: None }).into_iter().collect()
            });
        }
    }

    fn reconfigured(&mut self, engine: &Engine, now: Instant) {
        for device in &mut self.devices {
            if let Err(error) = device.follow(engine, now) {
                tracing::warn!("{}: {error}", device.name);
            }
        }
    }

    fn report(&self) -> String {
        let Counters { sent, received, from_tunnels, to_tunnels, send_failed, write_failed, foreign } =
            &self.counters;
        let mut text = String::new();
        for device in &self.devices {
            let _ = writeln!(text, "{} is device {}", device.name, device.index);
        }
        let routes = self.routes.as_ref().map_or(0, Routes::len);
        let _ = writeln!(text, "{routes} routes in the kernel");
        let _ = writeln!(
            text,
            "underlay: {received} received, {sent} sent, {send_failed} not taken by the kernel"
        );
        let _ = writeln!(
            text,
            "tunnels: {from_tunnels} from the kernel, {to_tunnels} to the kernel, {write_failed} not taken by it, \
             {foreign} not IPv4"
        );
        text
    }

    fn close(&mut self) {
        if let Some(routes) = &mut self.routes {
            routes.clear();
        }
    }
}

fn index_of(devices: &[Device], tunnel: TunnelId) -> Option<u32> {
    devices.iter().find(|device| device.tunnel == tunnel).map(|device| device.index)
}

fn transmit(ports: &mut [Port], counters: &mut Counters, path: &Path, payload: &[u8]) {
    let sent = ports.iter_mut().find(|port| port.serves(path)).map(|port| port.send(path, payload));
    match sent {
        Some(Ok(())) => counters.sent += 1,
        Some(Err(_)) | None => counters.send_failed += 1,
    }
}
