#!/usr/bin/env bash
# The hub is ours; both spokes are FRR (nhrpd, ospfd) and strongSwan on the kernel's GRE and ESP: registered, OSPF, LAN
# to LAN through our hub, then the shortcut after our redirect. No NHRP authentication: Debian 12's nhrpd has none.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
ours hub hub <<<"$(ios hub 203.0.113.1 10.0.0.1 '' ' ip nhrp map multicast dynamic
 ip nhrp redirect')"
for spoke in 's1 198.51.100.1 10.0.0.11' 's2 198.51.100.2 10.0.0.12'; do
  read -r name nbma tunnel <<<"$spoke"
  kernel_gre "$name" "$nbma" "$tunnel"
  strongswan "$name" "$nbma" trap
  # OSPF has to wait until the spoke is registered. nhrpd of FRR 8.4, when the kernel asks for the server's address in
  # the moment in which the registration is answered, writes 0.0.0.0 over the neighbour entry that it has just made, and
  # the kernel refuses all packets to the server from then on. Our hub's first Hello follows its registration reply at
  # once, and the answer to it would make the kernel ask in that moment.
  in_ns "$name" iptables -I INPUT -i gre1 -p 89 -j DROP
  frr "$name" <<<"$(frr_spoke "$tunnel")"
done
row 'the peers run' -

expect 'IKE sessions with both strongSwans' 60 counts 2 'UP-ACTIVE' ask hub show crypto session
expect 'both nhrpds are registered with us' 60 counts 2 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
expect 'nhrpd knows us as its server' 30 has '203\.0\.113\.1' vty s1 'show ip nhrp nhs'
expect 'the other nhrpd, too' 30 has '203\.0\.113\.1' vty s2 'show ip nhrp nhs'
expect 'the kernels have our address' 30 eval \
  'ip_in s1 neigh show dev gre1 | grep "10.0.0.1 lladdr 203.0.113.1" && ip_in s2 neigh show dev gre1 | grep "10.0.0.1 lladdr 203.0.113.1"'
for spoke in s1 s2; do in_ns "$spoke" iptables -D INPUT -i gre1 -p 89 -j DROP; done
expect 'OSPF is FULL with both' 90 counts 2 'FULL' ask hub show ip ospf neighbor
expect 'ospfd of a spoke is Full with us' 30 has '10\.0\.0\.1 .*Full' vty s1 'show ip ospf neighbor'
expect 'a spoke has the route to the far LAN' 60 has '192\.168\.12\.0/24' vty s1 'show ip route ospf'
expect 'and the other one back' 60 has '192\.168\.11\.0/24' vty s2 'show ip route ospf'
expect 'LAN to LAN' 30 pings s1-host 192.168.12.100
expect 'LAN to LAN, the other way' 30 pings s2-host 192.168.11.100
expect 'after our redirect, the shortcut: two routers on the way (TTL 62)' 90 has 'ttl=62' pings s1-host 192.168.12.100
expect '25 packets, none lost' 20 lossless s1-host 192.168.12.100 25
clear_text_check
ask hub show dmvpn; ask hub show ip nhrp; ask hub show drops
finish
