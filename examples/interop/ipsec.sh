#!/usr/bin/env bash
# IKEv2 and ESP of ours against strongSwan and the kernel's ESP and GRE, in both roles: three suites, with and without
# NAT, rekeys by either side under traffic, cookies, fragments, dead peers, and what has to be refused.
#
# All cells run at the same time, so that the lifetimes (120 s, the least that IOS takes) are waited for once.
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/ipsec-lib.sh"

begin
for suite in guide gcm chacha; do
  lifetime=120 cell "$suite" initiator none "$suite, we initiate, no NAT"
  lifetime=120 cell "$suite" responder none "$suite, we respond, no NAT"
  lifetime=120 cell "$suite" initiator us "$suite, we initiate, we are behind NAT"
  lifetime=120 cell "$suite" responder peer "$suite, we respond, it is behind NAT"
done
matrix=$(seq 1 "$cells")

SECRET=nonsense cell guide initiator none 'wrong key, we initiate'; key_i=$cells
SECRET=nonsense start_action=none cell guide responder none 'wrong key, we respond'; key_r=$cells
peer_suite=gcm cell guide initiator none 'no proposal in common, we initiate'; proposal_i=$cells
peer_suite=gcm start_action=none cell guide responder none 'no proposal in common, we respond'; proposal_r=$cells
REMOTE_TS='dynamic[udp]' cell guide initiator none 'no selectors in common, we initiate'; selector_i=$cells
REMOTE_TS='dynamic[udp]' start_action=none cell guide responder none 'no selectors in common, we respond'; selector_r=$cells

CHARON_LINES='cookie_threshold = 1' cell guide initiator none 'it demands a cookie'; cookie_i=$cells
global='crypto ikev2 cookie-challenge 1' cell guide responder none 'we demand a cookie'; cookie_r=$cells
CHARON_LINES='fragment_size = 200' global='crypto ikev2 fragmentation mtu 256' \
  cell guide initiator none 'fragments'; fragments=$cells
cell guide initiator none 'it loses power and comes back'; power=$cells
dpd=periodic cell guide initiator none 'its IKE is killed, no traffic'; killed=$cells
cell guide initiator none 'we are killed and come back'; restarted=$cells
stranger "s$cookie_i" "203.0.113.$cookie_i"
stranger "s$cookie_r" "198.51.100.$cookie_r"
cells_ready
row "$cells strongSwans and as many of our routers run" -

for n in $matrix; do
  expect "${cell_text[$n]}: SA up, GRE passes" 30 is_up "$n"
  flow_start "a$n" "10.0.$n.2" 0.2
done
for n in $matrix; do
  expect "${cell_text[$n]}: it rekeys the child SA" 0 rekey_by_peer "$n" child
  expect "${cell_text[$n]}: it rekeys the IKE SA" 0 rekey_by_peer "$n" ike
  rekeyed_until[$n]=$(log_line "a$n")
done

# What has to be refused, with a line that says why.
refused() { # N PATTERN
  if [[ ${cell_role[$1]} == initiator ]]; then first_packet "$1"
  else swan "b$1" --initiate --child gre --timeout 5; fi
  says "a$1" "$2"
}
for n in "$key_i" "$key_r"; do expect "${cell_text[$n]}" 20 refused "$n" 'IKEV2: .*authentication failed'; done
for n in "$proposal_i" "$proposal_r"; do expect "${cell_text[$n]}" 20 refused "$n" 'IKEV2: .*no proposal chosen'; done
for n in "$selector_i" "$selector_r"; do expect "${cell_text[$n]}" 20 refused "$n" 'IKEV2: .*traffic selectors unacceptable'; done

# A stranger's half-open SA makes the other side demand cookies.
expect 'it has a half-open SA of a stranger' 20 half_open "s$cookie_i" eval "grep -q 'received.*192.0.2.$cookie_i' $LAB/b$cookie_i-strongswan/log"
expect "${cell_text[$cookie_i]}: SA up" 30 is_up "$cookie_i"
expect 'it did demand one' 0 swan_says "$cookie_i" 'IKE_SA_INIT.*without cookie|sending COOKIE|N\(COOKIE\)'
expect 'we have a half-open SA of a stranger' 20 half_open "s$cookie_r" eval "tcpdump -nr $LAB/wan-wan.pcap src host 192.0.2.$cookie_r and udp port 500 2>/dev/null | grep -q ."
expect "${cell_text[$cookie_r]}: SA up" 30 is_up "$cookie_r"
expect 'it saw our demand' 0 swan_says "$cookie_r" 'parsed IKE_SA_INIT response 0 \[ N\(COOKIE\) \]'

expect "${cell_text[$fragments]}: SA up" 30 is_up "$fragments"
expect 'we sent fragments' 5 fragments_from "198.51.100.$fragments"
expect 'it sent fragments' 5 fragments_from "203.0.113.$fragments"

# Dead peers.
for n in "$power" "$killed" "$restarted"; do expect "${cell_text[$n]}: SA up" 30 is_up "$n"; done
flow_start "a$power" "10.0.$power.2" 0.2
flow_start "a$restarted" "10.0.$restarted.2" 0.2
kill -9 "$(<"$LAB/b$power-strongswan/pid")" "$(<"$LAB/b$killed-strongswan/pid")"
ip_in "b$power" xfrm state flush
ip_in "b$power" xfrm policy flush
down=$(date +%s%N)
expect 'it lost power: we notice (traffic, DPD on demand 10 2)' 45 after "$down" says "a$power" 'IKEV2: SA down .*does not answer'
expect 'its IKE was killed: we notice (no traffic, DPD periodic 10 2)' 45 after "$down" says "a$killed" 'IKEV2: SA down .*does not answer'
strongswan_start "b$power"; strongswan_wait "b$power"
back=$(date +%s%N); from=$(log_line "a$power")
expect 'it is back: the SA is, by itself' 60 after "$back" says "a$power" 'IKEV2: SA up' "$from"
expect 'and packets pass' 10 after "$back" pings "a$power" "10.0.$power.2"
kill -9 "${router_pid[a$restarted]}"
from=$(log_line "a$restarted")
router_start hub "a$restarted"; back=$(date +%s%N)
expect 'we were killed and are back: the SA is, by itself' 30 after "$back" says "a$restarted" 'IKEV2: SA up' "$from"
expect 'and packets pass' 10 after "$back" pings "a$restarted" "10.0.$restarted.2"
expect 'it has dropped what it had with us before' 10 one_sa "$restarted"
flow_stop "a$power"; flow_stop "a$restarted"

for n in $matrix; do
  expect "${cell_text[$n]}: we rekey the child SA" 150 rekeyed_by_us "$n" child "${rekeyed_until[$n]}"
  expect "${cell_text[$n]}: we rekey the IKE SA" 150 rekeyed_by_us "$n" ike "${rekeyed_until[$n]}"
done
for n in $matrix; do
  expect "${cell_text[$n]}: packets lost, from the first to after all rekeys" 0 flow_lossless "a$n" 300
  expect "${cell_text[$n]}: ESP on the wire" 5 wire "$n"
done
clear_text_check
finish
