#!/usr/bin/env bash
# IKEv2 of ours against strongSwan where things go wrong: what has to be refused, in both roles; cookies and fragments that
# are forced; peers that die and come back.
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/ipsec-lib.sh"

begin
# What is refused: first we initiate, then the other side does.
SECRET=nonsense cell guide initiator none 'different keys'; keys=$cells
peer_suite=gcm cell guide initiator none 'no proposal in common'; proposals=$cells
REMOTE_TS='dynamic[udp]' cell guide initiator none 'no selectors in common'; selectors=$cells
# Cookies, fragments, dead peers.
REMOTE=%any CHARON_LINES='cookie_threshold = 1' cell guide initiator none 'it demands cookies'; killed_us=$cells
global='crypto ikev2 cookie-challenge 1' dpd=periodic cell guide responder none 'we demand cookies'; killed=$cells
CHARON_LINES='fragment_size = 200' global='crypto ikev2 fragmentation mtu 256' \
  cell guide initiator none 'both cut messages into fragments'; power=$cells
stranger "s$killed_us" "203.0.113.$killed_us"
stranger "s$killed" "198.51.100.$killed"
cells_ready
row "$cells strongSwans run" -
for ((n = 1; n <= cells; n++)); do [[ $n == "$killed_us" ]] || our_router "$n"; done
row 'as many of our routers run' -

# What has to be refused, with a line that says why.
refused() { says "a$1" "IKEV2: no session with .*: $2"; }
refuses() { swan "b$1" --initiate --child gre --timeout 5; says "a$1" "IKEV2: refused .*: $2"; }
for what in "$keys authentication failed" "$proposals no proposal chosen" "$selectors traffic selectors unacceptable"; do
  read -r n why <<<"$what"
  expect "${cell_text[$n]}, we initiate" 20 refused "$n" "$why"
  expect "${cell_text[$n]}, we respond" 20 refuses "$n" "$why"
done

# A stranger's half-open SA makes the other side demand cookies.
expect 'a stranger has half an SA with it' 20 half_open "s$killed_us" swan_says "$killed_us" '192.0.2.[0-9]+ is initiating'
our_router "$killed_us"
expect "${cell_text[$killed_us]}: SA up" 30 is_up "$killed_us"
expect 'it did demand one' 0 swan_says "$killed_us" 'IKE_SA_INIT .*N\(COOKIE\)'
stranger_heard() { tcpdump -nr "$LAB/wan-wan.pcap" "dst host 192.0.2.$1 and udp port 500" 2>/dev/null | grep .; }
expect 'a stranger has half an SA with us' 20 half_open "s$killed" stranger_heard "$killed"
expect "${cell_text[$killed]}: SA up" 30 is_up "$killed"
expect 'it saw our demand' 0 swan_says "$killed" 'parsed IKE_SA_INIT response 0 \[ N\(COOKIE\) \]'

expect "${cell_text[$power]}: SA up" 30 is_up "$power"
expect 'we sent fragments' 5 fragments_from "198.51.100.$power"
expect 'it sent fragments' 5 fragments_from "203.0.113.$power"

# Dead peers.
flow_start "a$power" "10.0.$power.2" 0.2
flow_start "a$killed_us" "10.0.$killed_us.2" 0.2
kill -9 "${charon_pid[b$power]}" "${charon_pid[b$killed]}"
wait "${charon_pid[b$power]}" "${charon_pid[b$killed]}" 2>/dev/null
ip_in "b$power" xfrm state flush
ip_in "b$power" xfrm policy flush
down=$(date +%s%N)
expect 'it loses power: we notice (traffic, DPD on demand 10 2)' 60 after "$down" says "a$power" 'IKEV2: SA down .*does not answer'
expect 'its IKE is killed: we notice (no traffic, DPD periodic 10 2)' 60 after "$down" says "a$killed" 'IKEV2: SA down .*does not answer'
from=$(log_line "a$power")
strongswan_start "b$power"; strongswan_wait "b$power"
back=$(date +%s%N)
expect 'it is back: the SA is, by itself' 60 after "$back" says "a$power" 'IKEV2: SA up' "$from"
expect 'and packets pass' 10 after "$back" pings "a$power" "10.0.$power.2"
killed "a$killed_us"
from=$(log_line "a$killed_us")
router_start hub "a$killed_us"; back=$(date +%s%N)
expect 'we are killed and back: the SA is, by itself' 30 after "$back" says "a$killed_us" 'IKEV2: SA up' "$from"
expect 'and packets pass' 10 after "$back" pings "a$killed_us" "10.0.$killed_us.2"
expect 'it has dropped what it had with us before' 10 one_sa "$killed_us"
flow_stop "a$power"; flow_stop "a$killed_us"
clear_text_check
finish
