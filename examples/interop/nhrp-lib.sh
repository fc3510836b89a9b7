# What nhrp.sh has besides lib.sh: pairings, power cycles, and outages that are measured. Sourced, not run.
#
#   pairing NAME                 ends the pairing before, and begins this one on an empty underlay
#   peer ROLE NAME NBMA TUNNEL
#                                a router of FRR (nhrpd, ospfd), with strongSwan under it where PROTECT is set; ROLE: hub or
#                                spoke. OSPF stays shut until `let_ospf`
#   router ROLE NAME NBMA TUNNEL LAN LINES
#                                a router of ours
#   power_off NAME; power_on NAME
#                                everything in the node dies without a word, with all kernel state; later it starts anew
#   mark NAME                    the time since `clock`, for the table
#   outage WHAT BOUND FROM TO COMMAND...
#                                pings go on while COMMAND runs, and until BOUND seconds and the time to prove it are over:
#                                none that is sent later than BOUND after COMMAND may be lost
#   quiet_trip FROM TO COUNT     none of COUNT pings is lost or doubled

# Everything below follows from these, in seconds.
HELLO=3 DEAD=12
# Registration: ours by `registration timeout`, nhrpd by a third of the holding time.
HOLD=45 REGISTER=15
# A silent IKE peer: asked after 10 s, given up after 10 more.
DEAD_PEER=20
# How long after a recovery bound nothing may be lost.
PROOF=10
# A machine that is slow to start daemons adds this to the bounds.
SLACK=${SLACK:-0}

recoveries=() times=()
current='' clocked=0

clock() { clocked=$(date +%s%N); marks=''; }
mark() { marks+=$(awk -v n="$1" -v a="$clocked" -v b="$(date +%s%N)" 'BEGIN { printf "%s %.1f s, ", n, (b - a) / 1e9 }'); }
note_times() { times+=("$current|${marks%, }"); }

# A router that lost its memory: seen by registration at the latest, then OSPF from its beginning. With IPsec the other
# side may first have to find that its SA is dead.
bound() { echo $((REGISTER + DEAD + 2 * HELLO + (PROTECT ? DEAD_PEER : 0) + SLACK)); }

pairing() {
  keep_logs
  cleanup
  namespaces=() pids=() router_pid=()
  rm -rf "$LAB"; mkdir -p "$LAB"
  current=$1 case_name=${FUNCNAME[1]#pairing_}-$PROTECT
  failed_before=$failed
  started=$(date +%s%N)
  printf '\n== %s\n' "$current"
  unset -v peers; declare -gA peers=()
  wan
}

keep_logs() {
  [[ -n ${KEEP_LOGS:-} && -n $current ]] && ((failed > failed_before)) || return 0
  local folder=$KEEP_LOGS/$case_name name
  mkdir -p "$folder"
  for name in "${!peers[@]}"; do save "$name" >"$folder/$name.state" 2>&1; done
  rm -f "$LAB"/*.sock
  cp -r "$LAB/." "$folder/"
  cp -r /run/frr/"$PREFIX"-* "$folder/" 2>/dev/null
}

# What a node knows.
save() {
  case ${peers[$1]} in
    frr*) vty "$1" 'show ip nhrp'; vty "$1" 'show ip nhrp shortcut'; vty "$1" 'show ip ospf neighbor'; vty "$1" 'show ip route'
          ip_in "$1" neigh; ip_in "$1" -s xfrm state ;;
    ours*) local command
           for command in 'show dmvpn detail' 'show ip nhrp detail' 'show ip nhrp nhs detail' 'show ip nhrp traffic' \
             'show ip ospf neighbor' 'show ip route' 'show crypto session' 'show drops' 'show io'; do
             echo "# $command"; ask "$1" "$command"; done ;;
  esac
}

# frr_lines ROLE TUNNEL
frr_lines() {
  printf 'nhrp nflog-group 1\nnhrp multicast-nflog-group 2\ninterface gre1\n ip nhrp network-id 100\n ip nhrp holdtime %s\n' "$HOLD"
  if [[ $1 == hub ]]; then
    printf ' ip nhrp redirect\n ip nhrp map multicast dynamic\n!\n'
  else
    printf ' ip nhrp nhs dynamic nbma 203.0.113.1\n ip nhrp map multicast 203.0.113.1\n ip nhrp shortcut\n!\n'
  fi
  frr_ospf "$2"
  [[ $1 == hub ]] || echo 'ip route 10.0.0.0/24 gre1'
}

peer() {
  local role=$1 name=$2 nbma=$3 tunnel=$4
  peers[$name]="frr $role $nbma $tunnel"
  frr_up "$name"
}

frr_up() {
  local kind role nbma tunnel
  read -r kind role nbma tunnel <<<"${peers[$1]}"
  kernel_gre "$1" "$nbma" "$tunnel"
  if ((PROTECT)); then
    CONNECTION_LINES='dpd_delay = 10s' \
    CHARON_LINES=$'retransmit_tries = 2\n  retransmit_timeout = 2.0\n  retransmit_base = 1.5' \
      strongswan "$1" "$nbma" "$([[ $role == hub ]] && echo none || echo trap)"
    # A hub's kernel has no policy for a peer whose SA is gone, and would send to it in the clear.
    in_ns "$1" iptables -A OUTPUT -o eth0 -p gre -m policy --dir out --pol none -j DROP
  fi
  # nhrpd of FRR 8.4, when the kernel asks for the server's address in the moment in which the registration is answered,
  # writes 0.0.0.0 over the neighbour entry that it has just made, and the kernel refuses all packets to the server from
  # then on. A Hello of the hub in that moment makes the kernel ask, so OSPF waits until the spoke is registered.
  [[ $role == hub ]] || in_ns "$1" iptables -I INPUT -i gre1 -p 89 -j DROP
  frr "$1" <<<"$(frr_lines "$role" "$tunnel")"
}

# let_ospf NAME: waits for the registration of a spoke of FRR, then lets it hear OSPF.
knows_hub() { ip_in "$1" neigh show dev gre1 | grep '10.0.0.1 lladdr 203.0.113.1'; }
let_ospf() {
  [[ ${peers[$1]} == 'frr spoke'* ]] || return 0
  local end=$((SECONDS + 90))
  until knows_hub "$1" >/dev/null || ((SECONDS > end)); do sleep 0.2; done
  while in_ns "$1" iptables -D INPUT -i gre1 -p 89 -j DROP 2>/dev/null; do :; done
}

router() {
  local role=$1 name=$2 nbma=$3 tunnel=$4 lan=$5 lines=$6 filter='/crypto ikev2 profile/,/^!/ s/^ keyring.*/&\n dpd 10 2 on-demand/'
  ((PROTECT)) || filter='/tunnel protection/d'
  peers[$name]="ours $role"
  ours "$role" "$name" <<<"$(ios "$name" "$nbma" "$tunnel" "$lan" "$lines" | sed "s/ip nhrp holdtime .*/ip nhrp holdtime $HOLD/; $filter")"
}

power_off() {
  local pid
  for pid in $(ip netns pids "$PREFIX-$1"); do kill -9 "$pid" 2>/dev/null; done
  ip_in "$1" xfrm state flush 2>/dev/null; ip_in "$1" xfrm policy flush 2>/dev/null
  ip_in "$1" link del gre1 2>/dev/null
  in_ns "$1" iptables -F
  return 0
}

power_on() {
  local kind role
  read -r kind role _ <<<"${peers[$1]}"
  if [[ $kind == frr ]]; then
    frr_up "$1"
    let_ospf "$1" &
  else
    router_start "$role" "$1"
  fi
}

power_cycle() { power_off "$1"; sleep 1; power_on "$1"; }

# An orderly end and a new start: purges and deletions are sent.
restart() {
  local kind role pid=${router_pid[$1]}
  read -r kind role <<<"${peers[$1]}"
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  router_start "$role" "$1"
}

# --- Measuring -------------------------------------------------------------------------------------------------------

# Reads `ping -D -O`, and says: lost, last loss after the event, lost later than the bound, sent later, doubled.
weigh() {
  awk -v event="$1" -v bound="$2" '
    { at = substr($1, 2) + 0; if (match($0, /icmp_seq=[0-9]+/)) seq = substr($0, RSTART + 9, RLENGTH - 9) + 0; else next }
    /bytes from/ { if (seq in got) doubled++; got[seq] = at; if (seq > top) top = seq; next }
    { if (!(seq in missed)) missed[seq] = at; if (seq > top) top = seq }
    END {
      for (seq = 1; seq <= top; seq++) {
        # A reply or the sending of the packet that follows tells when this one was sent, to a fifth of a second.
        at = (seq in got) ? got[seq] : (seq in missed) ? missed[seq] : at
        if (at > event + bound) later++
        if (seq in got) continue
        lost++
        if (at > event && at - event > last) last = at - event
        if (at > event + bound) late++
      }
      printf "%d %.1f %d %d %d\n", lost, last, late, later, doubled
    }'
}

outage() {
  local what=$1 limit=$2 from=$3 to=$4; shift 4
  local log event pid lost last late later doubled verdict=ok
  log="$LAB/ping-${#recoveries[@]}"
  # Not through a function: the signal at the end is for ping itself.
  ip netns exec "$PREFIX-$from" ping -D -O -i 0.2 -W 3 "$to" >"$log" 2>&1 &
  pid=$!
  sleep 2
  "$@"
  event=$(date +%s.%N)
  sleep "$((limit + PROOF))"
  kill -INT "$pid"
  wait "$pid" 2>/dev/null
  read -r lost last late later doubled <<<"$(weigh "$event" "$limit" <"$log")"
  # The last packets may still be on their way when ping is told to stop.
  if ((late > 0 || later < PROOF * 2)); then verdict=FAIL; failed=$((failed + 1)); fi
  row "$what: nothing is lost beyond ${limit} s after it" "$verdict" "$lost lost, the last ${last} s after it; then $late of $later"
  recoveries+=("$current|$what|$lost|$last|$limit|$late of $later|$doubled")
}

quiet_trip() { has "^$3 packets transmitted, $3 received, 0% packet loss" in_ns "$1" ping -q -c "$3" -i 0.2 -W 3 "$2"; }

# The table of lib.sh, after those of times and of outages.
eval "lib_$(declare -f finish)"
finish() {
  keep_logs
  local line a b c d e f g
  printf '\n| pairing | from the start to |\n|---|---|\n'
  for line in "${times[@]}"; do IFS='|' read -r a b <<<"$line"; printf '| %s | %s |\n' "$a" "$b"; done
  printf '\n| pairing | event | pings lost | last loss after it (s) | bound (s) | lost after the bound | doubled |\n|---|---|---|---|---|---|---|\n'
  for line in "${recoveries[@]}"; do
    IFS='|' read -r a b c d e f g <<<"$line"
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$a" "$b" "$c" "$d" "$e" "$f" "$g"
  done
  unset KEEP_LOGS
  lib_finish
}
