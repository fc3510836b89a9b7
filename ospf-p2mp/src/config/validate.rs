//! Checks of a configuration, done once.

use std::net::Ipv4Addr;
use std::time::Duration;

use thiserror::Error;

use super::{AreaKind, Config, InterfaceConfig};
use crate::auth::{AuthConfigError, Authentication};
use crate::id::{AreaId, InterfaceId};

/// Why a configuration cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Router id 0.0.0.0 names nobody.
    #[error("the router id is 0.0.0.0")]
    ZeroRouterId,
    /// A running router keeps its router id: all its LSAs carry it. Another id is another router.
    #[error("the router id of a running router cannot change")]
    RouterIdChanged,
    /// Two interfaces have one id.
    #[error("{0} is configured twice")]
    DuplicateInterface(InterfaceId),
    /// Two interfaces have one address.
    #[error("address {address} is on {first} and on {second}")]
    DuplicateAddress {
        /// The address.
        address: Ipv4Addr,
        /// Where it was seen first.
        first: InterfaceId,
        /// Where it was seen again.
        second: InterfaceId,
    },
    /// The address is outside the interface's own prefix.
    #[error("the address of {0} is not in its prefix")]
    AddressOutsidePrefix(InterfaceId),
    /// Cost 0 is not allowed (RFC 2328 appendix C.3).
    #[error("the cost of {0} is 0")]
    ZeroCost(InterfaceId),
    /// Hello and dead interval are whole seconds on the wire: 1 to 65535, and the dead interval the longer one.
    #[error("the hello or dead interval of {0} is out of range")]
    BadInterval(InterfaceId),
    /// The transmit delay is 1 to 3600 seconds.
    #[error("the transmit delay of {0} is out of range")]
    BadTransmitDelay(InterfaceId),
    /// A packet of this size cannot carry OSPF.
    #[error("the MTU of {0} is below 576")]
    SmallMtu(InterfaceId),
    /// An authentication key is unusable.
    #[error("authentication of {interface}: {error}")]
    Authentication {
        /// Where.
        interface: InterfaceId,
        /// Why.
        error: AuthConfigError,
    },
    /// Area 0 cannot be a stub area.
    #[error("area 0 cannot be a stub area")]
    StubBackbone,
    /// An area is described twice.
    #[error("area {0} is described twice")]
    DuplicateArea(AreaId),
    /// The cost of a stub area's default route does not fit into 24 bits.
    #[error("the default cost of area {0} is too large")]
    DefaultCost(AreaId),
    /// TTL security counts 1 to 254 hops.
    #[error("the TTL security of {0} is out of range")]
    TtlSecurity(InterfaceId),
}

impl Config {
    /// Checks everything that can be checked without running.
    ///
    /// # Errors
    ///
    /// The first rule broken, in the order of the fields.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.router_id.is_unspecified() {
            return Err(ConfigError::ZeroRouterId);
        }
        for (index, interface) in self.interfaces.iter().enumerate() {
            check_interface(interface)?;
            for earlier in self.interfaces.iter().take(index) {
                if earlier.id == interface.id {
                    return Err(ConfigError::DuplicateInterface(interface.id));
                }
                if earlier.address == interface.address {
                    return Err(ConfigError::DuplicateAddress {
                        address: interface.address,
                        first: earlier.id,
                        second: interface.id,
                    });
                }
            }
        }
        for (index, area) in self.areas.iter().enumerate() {
            if self.areas.iter().take(index).any(|earlier| earlier.id == area.id) {
                return Err(ConfigError::DuplicateArea(area.id));
            }
            if let AreaKind::Stub { default_cost, .. } = area.kind {
                if area.id.is_backbone() {
                    return Err(ConfigError::StubBackbone);
                }
                if default_cost >= crate::wire::LS_INFINITY {
                    return Err(ConfigError::DefaultCost(area.id));
                }
            }
        }
        Ok(())
    }
}

fn check_interface(interface: &InterfaceConfig) -> Result<(), ConfigError> {
    let id = interface.id;
    if !interface.prefix.contains(&interface.address) {
        return Err(ConfigError::AddressOutsidePrefix(id));
    }
    if interface.cost == 0 || interface.neighbor_costs.values().any(|cost| *cost == 0) {
        return Err(ConfigError::ZeroCost(id));
    }
    if interface.mtu < 576 {
        return Err(ConfigError::SmallMtu(id));
    }
    let whole = |time: Duration| time.subsec_nanos() == 0;
    let (hello, dead) = (interface.hello_interval, interface.dead_interval);
    if !whole(hello)
        || !whole(dead)
        || !(1..=65_535).contains(&hello.as_secs())
        || dead <= hello
        || dead.as_secs() > u64::from(u32::MAX)
    {
        return Err(ConfigError::BadInterval(id));
    }
    if !whole(interface.transmit_delay) || !(1..=3600).contains(&interface.transmit_delay.as_secs()) {
        return Err(ConfigError::BadTransmitDelay(id));
    }
    if interface.ttl_security.is_some_and(|hops| hops == 0 || hops == 255) {
        return Err(ConfigError::TtlSecurity(id));
    }
    if let Authentication::Cryptographic(chain) = &interface.authentication {
        chain.validate().map_err(|error| ConfigError::Authentication { interface: id, error })?;
    }
    Ok(())
}
