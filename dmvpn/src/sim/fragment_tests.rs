use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::sim::ipv4::{PROTOCOL_UDP, build, parse};

const A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const T0: Duration = Duration::ZERO;

fn packet(id: u16, len: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..len).map(|n| (n * 7 % 251) as u8).collect();
    build(&Header { id, tos: 0x28, ..Header::new(A, B, PROTOCOL_UDP) }, &payload).unwrap()
}

#[test]
fn pieces_fit_the_link_and_make_the_packet_again_in_any_order() {
    let whole = packet(9, 4000);
    let pieces = fragment(whole.clone(), 1400).unwrap();
    assert_eq!(pieces.len(), 3);
    for piece in &pieces {
        assert!(piece.len() <= 1400);
        assert_eq!(parse(piece).unwrap().header.tos, 0x28);
    }
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut reassembler = Reassembler::default();
        let mut result = None;
        for (n, index) in order.into_iter().enumerate() {
            result = reassembler.push(T0, pieces[index].clone()).unwrap();
            assert_eq!(result.is_some(), n == 2);
        }
        assert_eq!(result.as_deref(), Some(&whole[..]), "{order:?}");
        assert_eq!((reassembler.pending(), reassembler.bytes), (0, 0));
    }
}

#[test]
fn a_fragment_can_be_cut_again() {
    let whole = packet(3, 3000);
    let pieces: Vec<_> = fragment(whole.clone(), 1500)
        .unwrap()
        .into_iter()
        .flat_map(|piece| fragment(piece, 600).unwrap())
        .collect();
    assert!(pieces.len() > 4);
    let mut reassembler = Reassembler::default();
    let results: Vec<_> =
        pieces.into_iter().filter_map(|piece| reassembler.push(T0, piece).unwrap()).collect();
    assert_eq!(results, [whole]);
}

#[test]
fn a_packet_that_fits_is_left_alone_and_df_forbids_the_knife() {
    let small = packet(1, 100);
    assert_eq!(fragment(small.clone(), 1500).unwrap(), [small]);
    let header = Header { dont_fragment: true, ..Header::new(A, B, PROTOCOL_UDP) };
    let big = build(&header, &[0; 1480]).unwrap();
    assert_eq!(fragment(big, 1499), Err(FragmentError::DontFragment { len: 1500, mtu: 1499 }));
    assert_eq!(fragment(packet(1, 100), 27), Err(FragmentError::Mtu(27)));
}

#[test]
fn only_options_that_say_so_are_copied() {
    // Record route (7, not copied), then loose source route (131, copied), then end.
    let options = [7, 3, 4, 131, 3, 4, 0, 0];
    let header = Header::new(A, B, PROTOCOL_UDP);
    let whole = ipv4::build_with_options(&header, &options, &[5; 200]).unwrap();
    let pieces = fragment(whole.clone(), 132).unwrap();
    assert_eq!(parse(&pieces[0]).unwrap().options, options);
    assert_eq!(parse(&pieces[1]).unwrap().options, [131, 3, 4, 0]);
    let mut reassembler = Reassembler::default();
    let results: Vec<_> =
        pieces.into_iter().filter_map(|piece| reassembler.push(T0, piece).unwrap()).collect();
    assert_eq!(results, [whole]);
}

#[test]
fn a_missing_piece_times_out() {
    let mut reassembler = Reassembler::default();
    let pieces = fragment(packet(1, 3000), 1500).unwrap();
    assert_eq!(reassembler.push(T0, pieces[0].clone()), Ok(None));
    assert_eq!(reassembler.pending(), 1);
    let late = Duration::from_secs(30);
    assert_eq!(reassembler.push(late, pieces[1].clone()), Ok(None));
    assert_eq!(reassembler.stats().timed_out, 1);
    assert_eq!(reassembler.push(late, pieces[2].clone()), Ok(None), "the first piece is gone");
}

#[test]
fn a_repeated_piece_is_ignored_and_an_overlapping_one_condemns_the_datagram() {
    let mut reassembler = Reassembler::default();
    let pieces = fragment(packet(1, 2000), 1500).unwrap();
    assert_eq!(reassembler.push(T0, pieces[0].clone()), Ok(None));
    assert_eq!(reassembler.push(T0, pieces[0].clone()), Ok(None));
    assert!(reassembler.push(T0, pieces[1].clone()).unwrap().is_some());

    assert_eq!(reassembler.push(T0, pieces[0].clone()), Ok(None));
    let header = Header { id: 1, offset: 8, more_fragments: true, ..Header::new(A, B, PROTOCOL_UDP) };
    assert_eq!(reassembler.push(T0, build(&header, &[0xee; 64]).unwrap()), Ok(None));
    assert_eq!(reassembler.stats().overlapped, 1);
    assert_eq!(reassembler.push(T0, pieces[1].clone()), Ok(None), "the datagram is gone");
}

#[test]
fn contradicting_ends_and_impossible_lengths_are_thrown_away() {
    let piece = |offset: u16, more, len: usize| {
        let header = Header { id: 1, offset, more_fragments: more, ..Header::new(A, B, PROTOCOL_UDP) };
        build(&header, &vec![1; len]).unwrap()
    };
    let mut reassembler = Reassembler::default();
    for (first, second) in [
        (piece(800, false, 8), piece(1600, false, 8)),
        (piece(800, false, 8), piece(1600, true, 8)),
        (piece(1600, true, 8), piece(800, false, 8)),
    ] {
        let before = reassembler.stats().overlapped;
        assert_eq!(reassembler.push(T0, first), Ok(None));
        assert_eq!(reassembler.push(T0, second), Ok(None));
        assert_eq!(reassembler.stats().overlapped, before + 1);
    }
    for bad in [piece(0, true, 7), piece(8, false, 0), piece(65_528, false, 100)] {
        let before = reassembler.stats().overlapped;
        assert_eq!(reassembler.push(T0, bad), Ok(None));
        assert_eq!(reassembler.stats().overlapped, before + 1);
    }
    assert_eq!(reassembler.pending(), 0);
}

#[test]
fn a_fragment_flood_stays_within_the_limits() {
    let limits = ReassemblyLimits { datagrams: 8, fragments: 4, bytes: 4096, ..ReassemblyLimits::default() };
    let mut reassembler = Reassembler::new(limits);
    for id in 0..1000 {
        let first = fragment(packet(id, 3000), 1500).unwrap().remove(0);
        assert_eq!(reassembler.push(T0, first), Ok(None));
        assert!(reassembler.pending() <= 8);
        assert!(reassembler.bytes <= 4096);
    }
    assert!(reassembler.stats().evicted >= 992);
    let many = fragment(packet(2000, 800), 108).unwrap();
    assert!(many.len() > 4);
    for piece in many {
        assert_eq!(reassembler.push(T0, piece), Ok(None));
    }
}
