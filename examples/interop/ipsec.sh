#!/usr/bin/env bash
# IKEv2 and ESP of ours against strongSwan and the kernel's ESP and GRE, in both roles: three suites, with and without
# NAT, rekeys by either side under traffic.
#
#   ipsec.sh [guide] [gcm] [chacha]     these suites only
#
# All cells run at the same time, so that the lifetimes (120 s, the least that IOS takes) are waited for once.
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/ipsec-lib.sh"

begin
read -ra suites <<<"${*:-guide gcm chacha}"
for suite in "${suites[@]}"; do
  lifetime=120 cell "$suite" initiator none "$suite, we initiate, no NAT"
  lifetime=120 cell "$suite" responder none "$suite, we respond, no NAT"
  lifetime=120 cell "$suite" initiator us "$suite, we initiate, we are behind NAT"
  lifetime=120 cell "$suite" responder peer "$suite, we respond, it is behind NAT"
done
matrix=$(seq 1 "$cells")

cells_ready
row "$cells strongSwans run" -
for n in $matrix; do our_router "$n"; done
row 'as many of our routers run' -

for n in $matrix; do
  expect "${cell_text[$n]}: SA up, GRE passes" 30 is_up "$n"
  flow_start "a$n" "10.0.$n.2" 0.4
done
for n in $matrix; do
  expect "${cell_text[$n]}: it rekeys the child SA" 0 rekey_by_peer "$n" child
  expect "${cell_text[$n]}: it rekeys the IKE SA" 0 rekey_by_peer "$n" ike
  rekeyed_until[$n]=$(log_line "a$n")
done

for n in $matrix; do
  expect "${cell_text[$n]}: we rekey the child SA" 150 rekeyed_by_us "$n" child "${rekeyed_until[$n]}"
  expect "${cell_text[$n]}: we rekey the IKE SA" 150 rekeyed_by_us "$n" ike "${rekeyed_until[$n]}"
done
for n in $matrix; do
  expect "${cell_text[$n]}: packets lost, from the first to after all rekeys" 0 flow_lossless "a$n" 200
  expect "${cell_text[$n]}: ESP on the wire" 5 wire "$n"
done
clear_text_check
finish
