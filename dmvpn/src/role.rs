//! Hub and spoke: an engine whose configuration says that it is one.

use core::ops::{Deref, DerefMut};
use std::time::Instant;

use rand_core::CryptoRng;

use crate::{BuildError, Config, Engine, Options};

macro_rules! roles {
    ($($(#[$doc:meta])+ $name:ident, $other:literal, $is_it:expr;)+) => {$(
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $name(Engine);

        impl $name {
            /// Builds the router from its configuration.
            ///
            /// # Errors
            /// Everything that is wrong with the configuration, and a tunnel that has the other role.
            pub fn new(config: Config, rng: impl CryptoRng, now: Instant) -> Result<Self, BuildError> {
                Self::with_options(config, Options::default(), rng, now)
            }

            /// Builds the router from its configuration and its embedder's wishes.
            ///
            /// # Errors
            /// Everything that is wrong with the configuration, and a tunnel that has the other role.
            pub fn with_options(
                config: Config,
                options: Options,
                rng: impl CryptoRng,
                now: Instant,
            ) -> Result<Self, BuildError> {
                let is_it: fn(&crate::config::Tunnel) -> bool = $is_it;
                let others = config.tunnels().filter(|(interface, tunnel)| !interface.shutdown && !is_it(tunnel));
                let errors: Vec<String> =
                    others.map(|(interface, _)| format!("{}: {}", interface.name, $other)).collect();
                if !errors.is_empty() {
                    return Err(BuildError { errors });
                }
                Engine::with_options(config, options, rng, now).map(Self)
            }

            /// The engine inside.
            #[must_use]
            pub fn into_engine(self) -> Engine {
                self.0
            }
        }

        impl Deref for $name {
            type Target = Engine;

            fn deref(&self) -> &Engine {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Engine {
                &mut self.0
            }
        }
    )+};
}

roles! {
    /// A router whose tunnels serve: spokes register with it.
    ///
    /// A role belongs to a tunnel, and an [`Engine`] may have both kinds. This is for whoever wants to be told when a
    /// configuration is not a hub's.
    Hub, "has an NHS: it is a spoke's", |tunnel| !tunnel.is_spoke();
    /// A router whose tunnels register with an NHS.
    ///
    /// A role belongs to a tunnel, and an [`Engine`] may have both kinds. This is for whoever wants to be told when a
    /// configuration is not a spoke's.
    Spoke, "has no NHS: it is a hub's", crate::config::Tunnel::is_spoke;
}
