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
mod tests {
    use super::*;

    #[test]
    fn names_get_shorter_only_when_ios_has_a_short_form() {
        assert_eq!(short_name("Tunnel100"), "Tu100");
        assert_eq!(short_name("GigabitEthernet0/0/1.11"), "Gi0/0/1.11");
        assert_eq!(short_name("TenGigabitEthernet1/1/4"), "Te1/1/4");
        assert_eq!(short_name("wlan0"), "wlan0");
    }

    #[test]
    fn ipv6_is_in_upper_case_and_takes_a_width() {
        let address: IpAddr = "2001:db8::a".parse().unwrap();
        assert_eq!(format!("[{:<14}]", Address(address)), "[2001:DB8::A   ]");
        assert_eq!(format!("[{:>14}]", Address(address)), "[   2001:DB8::A]");
        assert_eq!(Prefix("2001:db8::/32".parse().unwrap()).to_string(), "2001:DB8::/32");
        assert_eq!(format!("[{:>15}]", Address("10.0.0.11".parse().unwrap())), "[      10.0.0.11]");
    }
}
