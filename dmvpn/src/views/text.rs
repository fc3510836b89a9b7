//! What the text forms share: words, addresses in IOS's letters, short interface names.

use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

/// Defines an enumeration whose values are words: printed as IOS prints them, serialised in lower case.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])+ $variant,)+ }

        impl $name {
            /// The word that IOS prints.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// The width of IOS's address columns: that of the longest IPv4 address.
pub(super) const ADDRESS_WIDTH: usize = 15;

/// An address as IOS prints it, IPv6 in upper case. Takes a width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => f.pad(&address.to_string()),
            IpAddr::V6(address) => f.pad(&address.to_string().to_ascii_uppercase()),
        }
    }
}

/// A prefix as IOS prints it, IPv6 in upper case. Takes a width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix(pub(super) IpNet);

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string().to_ascii_uppercase())
    }
}

/// The short form of an interface's name: `Tu0` for `Tunnel0`.
pub(super) fn short_name(interface: &str) -> String {
    const SHORT: [(&str, &str); 10] = [
        ("TenGigabitEthernet", "Te"),
        ("TwoGigabitEthernet", "Tw"),
        ("FiveGigabitEthernet", "Fi"),
        ("HundredGigE", "Hu"),
        ("GigabitEthernet", "Gi"),
        ("FastEthernet", "Fa"),
        ("Ethernet", "Et"),
        ("Loopback", "Lo"),
        ("Tunnel", "Tu"),
        ("Virtual-Access", "Vi"),
    ];
    for (long, short) in SHORT {
        if let Some(number) = interface.strip_prefix(long) {
            return format!("{short}{number}");
        }
    }
    interface.to_owned()
}

/// `up` or `down`.
pub(super) const fn up_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

#[cfg(test)]
mod tests;
