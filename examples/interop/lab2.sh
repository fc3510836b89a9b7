#!/usr/bin/env bash
# The hub is FRR (nhrpd, ospfd) and strongSwan on the kernel's GRE and ESP; both spokes are ours. FRR knows nothing of
# phase 2; the spokes' next hops by originator make it one: direct path, one router between them, nothing left for the hub.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
kernel_gre hub 203.0.113.1 10.0.0.1
strongswan hub 203.0.113.1 none
# No redirect: nothing tells the spokes of each other but OSPF.
frr hub <<C
nhrp nflog-group 1
nhrp multicast-nflog-group 2
interface gre1
 ip nhrp network-id 100
 ip nhrp holdtime 300
 ip nhrp map multicast dynamic
!
$(frr_ospf 10.0.0.1)
C
row 'the hub runs' -
spoke_lines=' ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1'
ours spoke s1 <<<"$(ios s1 198.51.100.1 10.0.0.11 192.168.11 "$spoke_lines")"
ours spoke s2 <<<"$(ios s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines")"
spokes=$(date +%s%N)

expect 'nhrpd of the hub has both registrations' 60 after "$spokes" \
  counts 2 '10\.0\.0\.1[12] +198\.51\.100\.' vty hub 'show ip nhrp'
expect 'ospfd of the hub is Full with both' 90 after "$spokes" counts 2 ' Full' vty hub 'show ip ospf neighbor'
expect 'the route to the far LAN is in the kernel' 60 after "$spokes" has '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
expect 'and back' 60 after "$spokes" has '^192\.168\.11\.0/24' ip_in s2 route show dev tunnel0
far() { seen=$(ask s1 show ip route 2>&1 | grep -m1 '192\.168\.12\.0' | sed 's/^ *//'); grep -q '10\.0\.0\.12' <<<"$seen"; }
expect 'our next hop is the far spoke, not the hub' 10 far
first=$(date +%s%N)
expect 'LAN to LAN' 30 after "$first" pings s1-host 192.168.12.100
expect 'the direct path: two routers on the way (TTL 62)' 30 after "$first" has 'ttl=62' pings s1-host 192.168.12.100
expect 'and the other way' 30 has 'ttl=62' pings s2-host 192.168.11.100
expect 'traceroute: this router, the far one, the host' 20 trace s1-host 192.168.12.100 '192\.168\.11\.1|10\.0\.0\.11' '10\.0\.0\.12|192\.168\.12\.1' '192\.168\.12\.100'
before=$(large_esp 203.0.113.1)
expect '50 packets of 1000 bytes, none lost' 30 lossless_large s1-host 192.168.12.100 50
expect 'the hub saw none of them' 0 unseen_by 203.0.113.1 "$before"
clear_text_check
ask s1 show dmvpn; ask s1 show ip nhrp; ask s1 show drops
finish
