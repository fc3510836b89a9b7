//! The words and names that the texts share.

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
