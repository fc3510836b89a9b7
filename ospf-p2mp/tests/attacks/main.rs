//! What a neighbour, or somebody who can write into the tunnel, may try. Each test says what its attacker would gain if it
//! failed.
//!
//! | attack | test |
//! |---|---|
//! | lengths and counts that lie | `packets::lengths_and_counts_that_lie_read_nothing_beyond` |
//! | opaque TLVs | `lsas::opaque_lsas_are_not_looked_into` |
//! | crashes of `show` | `lsas::whatever_is_stored_can_be_shown` |
//! | two names for one Router-LSA | `lsas::a_router_lsa_with_two_names_is_dropped` |
//! | the last sequence numbers | `lsas::the_last_sequence_number_is_no_way_to_silence_us`, `lsas::the_last_number_but_one_is_no_better` |
//! | disguised LSAs | `lsas::a_disguised_lsa_in_our_name_is_noticed` |
//! | poisoned LSAs in our name | `lsas::a_newer_lsa_in_our_name_is_outbid`, `lsas::an_lsa_of_ours_that_we_do_not_issue_is_flushed` |
//! | premature MaxAge | `lsas::a_premature_end_of_our_lsa_is_answered`, `lsas::a_premature_end_of_anothers_lsa_is_undone_by_its_owner` |
//! | forged adjacencies | `packets::an_adjacency_forged_blindly_leads_nowhere`, `packets::ttl_security_wants_a_near_sender` |
//! | phantom LSAs | `floods::phantom_lsas_are_bounded_and_told_once` |
//! | fight-back storms | `floods::a_storm_of_instances_in_our_name_is_answered_at_our_pace` |
//! | odd Hellos | `packets::hellos_of_any_shape_do_no_harm`, `floods::strangers_are_bounded`, `floods::one_way_hellos_are_answered_seldom` |
//! | odd ages, numbers, metrics, masks | `lsas::odd_ages_metrics_and_masks_mean_no_more_than_the_rfc_says`, `lsas::one_bad_lsa_does_not_spoil_the_others` |
//! | costly graphs | `lsas::circles_that_cost_nothing_end` |
//! | silence instead of acknowledgements | `floods::a_neighbour_that_never_acknowledges_is_given_up` |
//! | amplification by requests | `floods::repeated_requests_do_not_multiply_the_answer` |
//! | exchanges out of step | `packets::a_request_for_nothing_begins_the_exchange_again_and_heals`, `packets::a_description_out_of_step_begins_the_exchange_again_and_heals` |
//! | cut, foreign and repeated digests | `packets::digests_that_are_cut_or_of_another_kind_are_refused`, `packets::replayed_packets_are_refused` |
//! | wrong addresses | `packets::packets_at_the_wrong_address_are_dropped_by_name` |
//! | Link Data that lies | `lsas::link_data_that_lies_takes_no_traffic` |
//! | sums that wrap | `lsas::sums_of_metrics_do_not_wrap` |
//! | anything else | `damage::damaged_packets_do_no_lasting_harm` |
//!
//! Clocks that jump and configurations that change are in `reconfigure.rs`; the largest LSA in `wire`.

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod floods;
mod lsas;
mod packets;

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use common::*;
use ospf_p2mp::wire::{
    AuthField, ExternalLsa, Hello, INITIAL_SEQUENCE, LinkKind, LsUpdate, Lsa, LsaBody, LsaKey, MetricType,
    Options, Packet, PacketBody, RouterFlags, RouterLink, RouterLsa,
};
use ospf_p2mp::{AreaId, DropReason, Input, LsaView};

const HUB: &str = "10.0.0.1";

const LIAR: &str = "10.0.0.12";

fn running() -> Cloud {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.all_lans_reachable());
    cloud
}

fn packet(router_id: &str, body: PacketBody) -> Vec<u8> {
    let packet = Packet {
        router_id: ip(router_id),
        area: AreaId::BACKBONE,
        auth: AuthField::Null([0; 8]),
        body,
        trailer: Bytes::new(),
    };
    packet.encode().expect("a small packet")
}

/// The hub receives a packet as from the second spoke.
fn inject(cloud: &mut Cloud, payload: &[u8]) {
    let (source, destination) = (ip(LIAR), ip(HUB));
    cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload });
}

fn inject_lsas(cloud: &mut Cloud, lsas: Vec<Lsa>) {
    inject(cloud, &packet(LIAR, PacketBody::LinkStateUpdate(LsUpdate { lsas })));
}

fn router_lsa(id: &str, advertising: &str, sequence: i32, links: Vec<RouterLink>) -> Lsa {
    let body = LsaBody::Router(RouterLsa { flags: RouterFlags::default(), links, tos: Vec::new() });
    Lsa::new(LsaKey::new(1, ip(id), ip(advertising)), Options::E, sequence, body.encode())
        .expect("a small LSA")
}

fn external(number: u32, advertising: &str) -> Lsa {
    let body = LsaBody::AsExternal(ExternalLsa {
        mask: ip("255.255.255.255"),
        metric_type: MetricType::Type2,
        reserved: 0,
        metric: 1,
        forwarding: ip("0.0.0.0"),
        tag: 0,
        tos: Bytes::new(),
    });
    let key = LsaKey::new(5, (0xc600_0000 + number).into(), ip(advertising));
    Lsa::new(key, Options::E, INITIAL_SEQUENCE, body.encode()).expect("a small LSA")
}

fn view(cloud: &Cloud, index: usize, ls_type: u8, advertising: &str) -> LsaView {
    let mut views = cloud.router(index).database();
    views
        .find(|view| view.header.ls_type == ls_type && view.header.advertising_router == ip(advertising))
        .expect("an LSA")
}

fn drops(cloud: &Cloud, reason: DropReason) -> u64 {
    cloud.router(0).stats().dropped(reason)
}

fn default_route() -> RouterLink {
    RouterLink { kind: LinkKind::STUB, id: ip("0.0.0.0"), data: ip("0.0.0.0"), metric: 1 }
}

fn hello(neighbors: Vec<Ipv4Addr>) -> PacketBody {
    PacketBody::Hello(Hello {
        mask: ip("255.255.255.0"),
        hello_interval: 30,
        options: Options::E,
        priority: 1,
        dead_interval: 120,
        designated_router: ip("0.0.0.0"),
        backup_designated_router: ip("0.0.0.0"),
        neighbors,
    })
}
