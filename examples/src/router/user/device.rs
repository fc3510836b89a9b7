//! A TUN device per tunnel.

use std::io;
use std::net::Ipv4Addr;

use dmvpn::{Engine, ShowCommand, TunnelId, View};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use std::os::fd::AsRawFd;
use std::time::Instant;
use tun_rs::{DeviceBuilder, SyncDevice};

/// The MTU of a tunnel whose own the engine does not tell.
const DEFAULT_MTU: u16 = 1400;

/// The device of one tunnel. It is gone from the kernel, with the routes through it, when this is dropped or the
/// program dies.
pub(super) struct Device {
    /// The tunnel.
    pub(super) tunnel: TunnelId,
    /// Its name in the configuration.
    interface: String,
    /// Its MTU in force.
    mtu: u16,
    /// Its name here, as `tunnel0`.
    pub(super) name: String,
    /// The kernel's number of the device.
    pub(super) index: u32,
    device: SyncDevice,
}

impl Device {
    /// Makes the device `name` of the tunnel `interface`, gives it the tunnel's address and MTU, and brings it up.
    pub(super) fn open(
        engine: &Engine,
        now: Instant,
        interface: &str,
        name: String,
    ) -> io::Result<Option<Self>> {
        let Some(tunnel) = engine.tunnel(interface) else { return Ok(None) };
        let own = engine.local_addresses().find(|(name, ..)| *name == interface);
        let Some((_, address, prefix_len)) = own else { return Ok(None) };
        let mtu = mtu(engine, now, interface);
        let device = Self::make(&name, address, prefix_len, mtu)?;
        device.set_nonblocking(true)?;
        let index = device.if_index()?;
        set_options(&name);
        Ok(Some(Self { tunnel, interface: interface.to_owned(), mtu, name, index, device }))
    }

    /// Takes the MTU that the tunnel has now.
    pub(super) fn follow(&mut self, engine: &Engine, now: Instant) -> io::Result<()> {
        let mtu = mtu(engine, now, &self.interface);
        if mtu != self.mtu {
            self.device.set_mtu(mtu)?;
            self.mtu = mtu;
        }
        Ok(())
    }

    fn make(name: &str, address: Ipv4Addr, prefix_len: u8, mtu: u16) -> io::Result<SyncDevice> {
        DeviceBuilder::new().name(name).ipv4(address, prefix_len, None).mtu(mtu).build_sync()
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.device.as_raw_fd()), token, Interest::READABLE)
    }

    /// The next packet that the kernel routes into the tunnel.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.device.recv(buffer)
    }

    /// Hands a packet to the kernel.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.device.send(packet).map(|_| ())
    }
}

fn mtu(engine: &Engine, now: Instant, interface: &str) -> u16 {
    match engine.show(now, &ShowCommand::Interface(interface.to_owned())) {
        View::Interface(Some(view)) => view.mtu,
        _ => DEFAULT_MTU,
    }
}

/// What the kernel has to allow on the device. Where it cannot be set (a read-only /proc in a container) the router
/// still works, with less: each line says what.
fn set_options(name: &str) {
    let settings = [
        // The engine's ICMP errors have one of our own addresses as source.
        ("ipv4", "accept_local", "1"),
        // A packet may come in before the route back to its sender does.
        ("ipv4", "rp_filter", "2"),
        // The tunnel carries IPv4; without this the kernel sends router solicitations into it.
        ("ipv6", "disable_ipv6", "1"),
    ];
    for (family, option, value) in settings {
        let path = format!("/proc/sys/net/{family}/conf/{name}/{option}");
        if let Err(error) = std::fs::write(&path, value)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{path}: cannot be set to {value}: {error}");
        }
    }
}
