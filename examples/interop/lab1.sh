#!/usr/bin/env bash
# The hub is FRR (nhrpd, ospfd) and strongSwan on the kernel's GRE and ESP; one spoke is ours, the other FRR and
# strongSwan: registered, OSPF, LAN to LAN, then the shortcut. Phase 3: nhrpd speaks nothing else. No NHRP
# authentication: Debian 12's nhrpd has none.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
kernel_gre hub 203.0.113.1 10.0.0.1
kernel_gre s2 198.51.100.2 10.0.0.12
strongswan hub 203.0.113.1 none
strongswan s2 198.51.100.2 trap
frr hub <<C
nhrp nflog-group 1
nhrp multicast-nflog-group 2
interface gre1
 ip nhrp network-id 100
 ip nhrp holdtime 300
 ip nhrp redirect
 ip nhrp map multicast dynamic
!
$(frr_ospf 10.0.0.1)
C
frr s2 <<<"$(frr_spoke 10.0.0.12)"
row 'the peers run' -
ours spoke s1 <<<"$(ios s1 198.51.100.1 10.0.0.11 192.168.11 ' ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1
 ip nhrp shortcut')"

expect 'IKE session with strongSwan of the hub' 60 has 'UP-ACTIVE' ask s1 show crypto session
expect 'nhrpd of the hub has our registration' 60 has '10\.0\.0\.11 +198\.51\.100\.1' vty hub 'show ip nhrp'
expect 'we know that we are registered' 30 has '10\.0\.0\.1  ?RE' ask s1 show ip nhrp nhs
expect 'ospfd of the hub is Full with us' 90 has '10\.0\.0\.11 +.*Full' vty hub 'show ip ospf neighbor'
expect 'we are FULL with it' 30 has '10\.0\.0\.1 .*FULL' ask s1 show ip ospf neighbor
expect 'ospfd of the hub is Full with the other spoke' 90 has '10\.0\.0\.12 +.*Full' vty hub 'show ip ospf neighbor'
expect 'our route to the far LAN is in the kernel' 60 has '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
expect 'the far spoke has the route to our LAN' 60 has '192\.168\.11\.0/24' vty s2 'show ip route ospf'
expect 'router to router' 20 pings s1 10.0.0.1
expect 'LAN to LAN' 30 pings s1-host 192.168.12.100
expect 'LAN to LAN, the other way' 30 pings s2-host 192.168.11.100
# Traffic through the hub makes it send a redirect; resolution and IKE between the spokes follow.
expect 'the shortcut: IKE session with the other spoke' 60 eval \
  'pings s1-host 192.168.12.100; has "198\.51\.100\.2" ask s1 show crypto session'
expect 'the shortcut: two routers on the way (TTL 62)' 60 has 'ttl=62' pings s1-host 192.168.12.100
expect 'and from the other side' 60 has 'ttl=62' pings s2-host 192.168.11.100
expect '25 packets, none lost' 20 lossless s1-host 192.168.12.100 25
clear_text_check
ask s1 show dmvpn; ask s1 show ip nhrp; ask s1 show drops
finish
