# Cells of ipsec.sh: in each, one router of ours and one strongSwan with a GRE interface of the kernel, sometimes a NAT
# between them. Source it after lib.sh.
#
# Cell N (a number) has the namespaces aN (ours, 198.51.100.N, 10.0.N.1) and bN (strongSwan, 203.0.113.N, 10.0.N.2), and
# with NAT nN, which has the address that the other side sees. No NHRP server, no OSPF: a static NHRP mapping leads to the
# peer, so that IKE and ESP are alone at work.

declare -A cell_role cell_nat cell_text rekeyed_until
cells=0

# suite NAME: sets the words of both sides for a suite.
suite() {
  case $1 in
  guide) # As the guide has it.
    ike_suite=aes256-sha256-modp2048 esp_suite=aes256-sha256
    proposal='encryption aes-cbc-256
 integrity sha256
 group 14' transform='esp-aes 256 esp-sha256-hmac' pfs=
    ;;
  gcm) # With PFS.
    ike_suite=aes256gcm16-prfsha256-ecp256 esp_suite=aes256gcm16-ecp256
    proposal='encryption aes-gcm-256
 prf sha256
 group 19' transform='esp-gcm 256' pfs='set pfs group19'
    ;;
  chacha)
    ike_suite=chacha20poly1305-prfsha256-curve25519 esp_suite=chacha20poly1305-curve25519
    proposal='encryption chacha20-poly1305
 prf sha256
 group 31' transform='esp-chacha20-poly1305' pfs='set pfs group31'
    ;;
  *) echo "no suite $1" >&2; exit 2 ;;
  esac
}

# our_side N NBMA PEER: the configuration of our router. $global: lines outside; $lifetime: for both kinds of SA.
our_side() {
  cat <<C
hostname A$1
${global:-}
crypto ikev2 keyring KEYS
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key $PSK
!
crypto ikev2 proposal PROPOSAL
 $proposal
!
crypto ikev2 policy POLICY
 proposal PROPOSAL
!
crypto ikev2 profile PROFILE
 match identity remote address 0.0.0.0
 authentication remote pre-share
 authentication local pre-share
 keyring local KEYS
 lifetime ${lifetime:-86400}
 dpd 10 2 ${dpd:-on-demand}
!
crypto ipsec transform-set SET $transform
 mode transport
!
crypto ipsec profile PROTECTION
 set transform-set SET
 set ikev2-profile PROFILE
 set security-association lifetime seconds ${lifetime:-3600}
 $pfs
 ${responder_only:-}
!
interface Tunnel0
 ip address 10.0.$1.1 255.255.255.0
 no ip redirects
 ip mtu 1400
 ip nhrp network-id 100
 ip nhrp map 10.0.$1.2 $3
 tunnel source GigabitEthernet0/0/0
 tunnel mode gre multipoint
 tunnel key 100
 tunnel protection ipsec profile PROTECTION
!
interface GigabitEthernet0/0/0
 ip address $2 255.255.255.0
!
end
C
}

# cell SUITE ROLE NAT TEXT: ROLE is what we are (initiator, responder), NAT who is behind one (none, us, peer). Starts
# strongSwan; our_router starts ours. What differs comes by the variables of strongswan, our_side and:
#   peer_suite   a suite for strongSwan alone
cell() {
  local role=$2 nat=$3 n=$((++cells)) start=none
  local ours=198.51.100.$n peer=203.0.113.$n our_nbma peer_nbma
  cell_role[$n]=$role cell_nat[$n]=$nat cell_text[$n]=$4
  suite "${peer_suite:-$1}"
  local IKE_SUITE=$ike_suite ESP_SUITE=$esp_suite
  suite "$1"
  our_nbma=$ours peer_nbma=$peer
  case $nat in
  us) our_nbma=172.16.$n.2; nat "n$n" "$ours" "172.16.$n"; behind "n$n" "a$n" "$our_nbma"; node "b$n" "$peer" ;;
  peer) peer_nbma=172.16.$n.2; nat "n$n" "$peer" "172.16.$n"; behind "n$n" "b$n" "$peer_nbma"; node "a$n" "$ours" ;;
  *) node "a$n" "$ours"; node "b$n" "$peer" ;;
  esac
  ip_in "b$n" link add gre1 type gre key 100 ttl 64 local "$peer_nbma" remote "$ours" || exit 2
  ip_in "b$n" addr add "10.0.$n.2/24" dev gre1
  ip_in "b$n" link set gre1 mtu 1400 up
  local responder_only=
  [[ $role == initiator ]] || start=trap responder_only=responder-only
  REMOTE=${REMOTE:-$ours} strongswan_config "b$n" "$peer_nbma" "$start"
  strongswan_start "b$n"
  our_side "$n" "$our_nbma" "$peer" >"$LAB/a$n.cfg"
}

# our_router N: starts ours. As responder it is told not to initiate, which it otherwise does for a static mapping.
our_router() { ours hub "a$1" <<<"$(<"$LAB/a$1.cfg")"; }

cells_ready() {
  local n
  for ((n = 1; n <= cells; n++)); do strongswan_wait "b$n"; done
}

# first_packet N: the side that initiates sends it.
first_packet() {
  if [[ ${cell_role[$1]} == initiator ]]; then in_ns "a$1" ping -c 1 -W 1 "10.0.$1.2"
  else in_ns "b$1" ping -c 1 -W 1 "10.0.$1.1"; fi
}

# is_up N: packets pass, and the SA came up in the role that it had to.
is_up() { first_packet "$1" && says "a$1" "IKEV2: SA up .*\(${cell_role[$1]}"; }

# rekey_by_peer N child|ike: strongSwan does it, and we say so.
rekey_by_peer() {
  local from; from=$(log_line "a$1")
  case $2 in
  child) swan "b$1" --rekey --child gre ;;
  ike) swan "b$1" --rekey --ike dmvpn ;;
  esac
  for _ in $(seq 50); do says "a$1" "$(rekey_line "$2")" "$from" && return; sleep 0.2; done
  return 1
}
rekey_line() { [[ $1 == child ]] && echo 'IPSEC: SA with .* rekeyed' || echo 'IKEV2: SA with .* rekeyed'; }

# Our requests as strongSwan read them: the rekey of a child SA names the old one; that of an IKE SA has no selectors.
asked() {
  local pattern='parsed CREATE_CHILD_SA request [0-9]+ \[ SA No KE \]'
  [[ $2 == ike ]] || pattern='parsed CREATE_CHILD_SA request [0-9]+ \[ .*N\(REKEY_SA\)'
  seen=$(grep -m1 -oE "$pattern" "$LAB/b$1-strongswan/log")
}
# rekeyed_by_us N child|ike: our lifetime made us do it.
rekeyed_by_us() { asked "$1" "$2" && says "a$1" "$(rekey_line "$2")" "$3"; }

# swan_says N PATTERN: strongSwan's log has it.
swan_says() { seen=$(grep -m1 -oE -- "$2.*" "$LAB/b$1-strongswan/log" | cut -c1-100); [[ -n $seen ]]; }

# one_sa N: strongSwan has one IKE SA with us.
one_sa() { counts 1 'ESTABLISHED' swan "b$1" --list-sas; }

# stranger NAME VICTIM: a router of ours that hears no answers. half_open NAME COMMAND... starts it: it knocks at once, for
# its static mapping, and what it leaves at the victim's lives for 30 s.
stranger() {
  local n=${1#s}
  node "$1" "192.0.2.$n"
  in_ns "$1" nft 'add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; add rule ip deaf in meta l4proto udp drop'
  suite guide
  our_side "$n" "192.0.2.$n" "$2" >"$LAB/$1.cfg"
}
half_open() {
  local name=$1; shift
  [[ -n ${router_pid[$name]:-} ]] || router_start hub "$name"
  "$@"
}

# fragments_from ADDRESS: IKE messages that begin with an encrypted fragment (RFC 7383: payload 53).
fragments_from() {
  local count
  count=$(tcpdump -nr "$LAB/wan-wan.pcap" "src host $1 and ((udp port 500 and udp[24] == 53) or (udp port 4500 and udp[8:4] == 0 and udp[28] == 53))" 2>/dev/null | wc -l)
  seen="$count fragments"
  ((count >= 2))
}

# wire N: how the packets between the two travel.
wire() {
  local udp esp between="host 198.51.100.$1 and host 203.0.113.$1"
  udp=$(tcpdump -nr "$LAB/wan-wan.pcap" "$between and udp port 4500 and udp[8:4] != 0 and greater 60" 2>/dev/null | wc -l)
  esp=$(tcpdump -nr "$LAB/wan-wan.pcap" "$between and ip proto 50" 2>/dev/null | wc -l)
  seen="$esp raw, $udp in UDP"
  if [[ ${cell_nat[$1]} == none ]]; then ((esp > 20 && udp == 0)); else ((udp > 20 && esp == 0)); fi
}
