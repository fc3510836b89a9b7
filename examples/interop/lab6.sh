#!/usr/bin/env bash
# Two hubs, the guide's way: two clouds, two tunnels on each spoke, the second with the higher cost. All ours, with the
# guide's own configurations (OSPF with the Hellos and costs that they have). A hub dies while pings run: one whose
# packets go directly, and one whose provider lets nothing through between the spokes, so that they go by the hub.
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
guide=${GUIDE:-$here/../../dmvpn/tests/data/guide}

begin
node hub1 203.0.113.1
node hub2 203.0.113.2
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
node s3 198.51.100.3 192.168.13
# The provider: nothing between s1 and s3.
in_ns wan nft -f - <<'N' || exit 2
table bridge provider {
  chain forward {
    type filter hook forward priority 0
    ip saddr { 198.51.100.1, 198.51.100.3 } ip daddr { 198.51.100.1, 198.51.100.3 } drop
  }
}
N
ours hub hub1 <"$guide/hub1.cfg"
ours hub hub2 <"$guide/hub2.cfg"
ours spoke s1 <"$guide/spoke1-dual-hub.cfg"
ours spoke s2 <"$guide/spoke2-dual-hub.cfg"
ours spoke s3 <<<"$(sed -e 's/SPOKE2/SPOKE3/; s/10\.0\.0\.12/10.0.0.13/; s/10\.1\.0\.12/10.1.0.13/' \
  -e 's/198\.51\.100\.2 /198.51.100.3 /; s/192\.168\.12\./192.168.13./' "$guide/spoke2-dual-hub.cfg")"
start=$(date +%s%N)
expect 'both hubs have all registrations' 30 after "$start" eval \
  'counts 3 "NBMA address: 198\.51\.100\." ask hub1 show ip nhrp && counts 3 "NBMA address: 198\.51\.100\." ask hub2 show ip nhrp'
expect 'OSPF is FULL everywhere' 90 after "$start" eval \
  'counts 3 FULL ask hub1 show ip ospf neighbor && counts 3 FULL ask hub2 show ip ospf neighbor'
via() { has "^192\.168\.$2\.0/24 .*dev $3" ip_in "$1" route; }
expect 'the routes of the spokes go by the first cloud' 60 after "$start" eval 'via s1 12 tunnel0 && via s1 13 tunnel0'
expect 's1 to s2: the direct path (TTL 62)' 30 has 'ttl=62' pings s1-host 192.168.12.100
expect 's1 to s3: by the hub (TTL 61), the direct path being shut' 30 has 'ttl=61' pings s1-host 192.168.13.100

# Both pings run meanwhile.
flows_start() { flow_start s1-host 192.168.12.100; flow_start s3-host 192.168.11.100; }
flows_stop() { # TEXT LIMIT-DIRECT LIMIT-HUB
  expect "$1: s1 to s2, direct" 0 flow_lost_at_most s1-host "$2"
  expect "$1: s3 to s1, by the hub" 0 flow_lost_at_most s3-host "$3"
}

flows_start
expect 'pings run' 5 answers s3-host
killed hub1; down=$(date +%s%N)
expect 'hub 1 is killed: s1 notices' 60 after "$down" says s1 'IKEV2: SA down with 203.0.113.1.*'
expect 'traffic goes by hub 2' 60 after "$down" eval 'via s1 13 tunnel1 && answers s3-host'
expect 'that between s1 and s2, too' 180 after "$down" via s1 12 tunnel1
flows_stop 'hub 1 killed' 0 300

flows_start
expect 'pings run' 5 answers s3-host
router_start hub hub1; back=$(date +%s%N)
expect 'hub 1 is back: registered' 60 after "$back" counts 3 "NBMA address: 198\.51\.100\." ask hub1 show ip nhrp
expect 'and traffic is back with it' 120 after "$back" eval 'via s1 12 tunnel0 && via s1 13 tunnel0 && via s3 11 tunnel0'
# A packet may meet the hub in the moment between its neighbours' routes and its own.
flows_stop 'hub 1 back' 0 5

flows_start
expect 'pings run' 5 answers s3-host
kill -TERM "${router_pid[hub1]}"; down=$(date +%s%N)
expect 'hub 1 is told to stop: traffic goes by hub 2' 60 after "$down" eval 'via s1 13 tunnel1 && via s3 11 tunnel1'
flows_stop 'hub 1 stopped' 0 20
clear_text_check
ask s1 show dmvpn
finish
