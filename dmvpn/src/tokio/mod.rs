//! A driver for tokio (feature `tokio`): an engine in a task, with sockets and a LAN that its owner gives it.
//!
//! [`Driver::run`] is the loop that every embedder writes: packets in, outputs out, timers; a [`Handle`] asks and commands
//! it meanwhile. What the packets travel on are two traits, [`Underlay`] and [`Lan`]. [`UdpUnderlay`] is one made of
//! UDP sockets, for IKE and ESP in UDP; [`ChannelLan`] one made of channels. A TUN device or raw sockets for ESP
//! are a few lines each.
//!
//! ```no_run
//! use dmvpn::config::ios;
//! use dmvpn::tokio::{ChannelLan, Driver, UdpUnderlay};
//! use dmvpn::{Engine, Event};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//!
//! # async fn example(text: &str, seed: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! let parsed = ios::parse("spoke1.cfg", text); // its IKEv2 profile says `nat force-encap`
//! let now = tokio::time::Instant::now().into_std();
//! let engine = Engine::new(parsed.config, ChaCha20Rng::from_seed(seed), now)?;
//!
//! let mut underlay = UdpUnderlay::default();
//! for address in engine.underlay_addresses() {
//!     for port in [500, 4500] {
//!         underlay.add(tokio::net::UdpSocket::bind((address, port)).await?)?;
//!     }
//! }
//! let (lan, mut host) = ChannelLan::new(64);
//! let (driver, handle, mut events) = Driver::new(engine, underlay, lan);
//! let router = tokio::spawn(driver.run());
//!
//! tokio::spawn(async move {
//!     while let Some(event) = events.recv().await {
//!         println!("{event}");
//!     }
//! });
//! println!("{}", handle.show("show dmvpn".parse()?).await?);
//! host.send.send(b"an IP packet from the LAN".to_vec()).await?;
//! while let Some((delivery, packet)) = host.receive.recv().await {
//!     println!("{delivery:?}: {} bytes", packet.len());
//! #   break;
//! }
//! handle.shutdown().await?; // takes leave of its peers
//! router.await??;
//! # Ok(())
//! # }
//! ```

mod channel;
mod driver;
mod handle;
mod udp;

use core::future::Future;
use std::io;

use crate::{Delivery, Packet, Path};

pub use channel::{ChannelLan, LanHost};
pub use driver::Driver;
pub use handle::{Handle, Stopped};
pub use udp::UdpUnderlay;

/// What carries packets to peers.
pub trait Underlay: Send {
    /// The next packet that came in, without its outer IP and UDP headers, and its path as seen from here.
    ///
    /// It is dropped and called again whenever something else happens first: a packet must not be lost by that.
    ///
    /// # Errors
    /// An error ends the driver. What concerns one packet or peer is no error here.
    fn receive(&mut self, packet: &mut Packet) -> impl Future<Output = io::Result<Path>> + Send;

    /// Sends a payload, at once or not at all: the underlay may lose packets.
    ///
    /// # Errors
    /// It was not sent. The driver counts it.
    fn send(&mut self, path: &Path, payload: &[u8]) -> io::Result<()>;
}

/// What is behind the router: a TUN device, a host stack, a channel.
pub trait Lan: Send {
    /// The next IP packet that is to be routed.
    ///
    /// It is dropped and called again whenever something else happens first: a packet must not be lost by that. What has
    /// nothing to send, and never will, waits for ever.
    ///
    /// # Errors
    /// An error ends the driver.
    fn receive(&mut self, packet: &mut Packet) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes an IP packet out of a tunnel, at once or not at all.
    ///
    /// # Errors
    /// It was not taken. The driver counts it.
    fn send(&mut self, delivery: Delivery, packet: &[u8]) -> io::Result<()>;
}
