use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(4711)
}

fn carry_many(config: &LinkConfig, count: u32, spacing: Duration) -> Vec<Carried> {
    let (mut state, mut rng) = (LinkState::default(), rng());
    (0..count).map(|n| state.carry(config, spacing * n, 1000, &mut rng)).collect()
}

fn arrivals(carried: &[Carried]) -> Vec<Arrival> {
    carried
        .iter()
        .flat_map(|carried| match carried {
            Carried::Arrives(arrivals) => arrivals.clone(),
            Carried::Lost | Carried::BufferFull => Vec::new(),
        })
        .collect()
}

#[test]
fn a_faultless_link_delays_and_nothing_else() {
    let config = LinkConfig::new(Duration::from_millis(20));
    let carried = carry_many(&config, 3, Duration::from_millis(1));
    let at: Vec<_> = arrivals(&carried).iter().map(|arrival| arrival.at.as_millis()).collect();
    assert_eq!(at, [20, 21, 22]);
    let mut untouched = rng();
    let mut used = rng();
    let _ = LinkState::default().carry(&config, Duration::ZERO, 100, &mut used);
    assert_eq!(used.next_u64(), untouched.next_u64(), "a faultless link draws no random numbers");
}

#[test]
fn faults_are_as_frequent_as_configured() {
    let mut config = LinkConfig::new(Duration::from_millis(20));
    config.loss = Probability::percent(10.0);
    config.duplicate = Probability::percent(5.0);
    config.corrupt = Probability::percent(2.0);
    config.reorder = Probability::percent(3.0);
    let carried = carry_many(&config, 100_000, Duration::from_micros(100));
    let lost = carried.iter().filter(|carried| **carried == Carried::Lost).count();
    let arrivals = arrivals(&carried);
    let twice = arrivals.len() - (carried.len() - lost);
    let flipped = arrivals.iter().filter(|arrival| arrival.flipped_bit.is_some()).count();
    let held = arrivals.iter().filter(|arrival| arrival.reordered).count();
    // Five standard deviations of a binomial distribution.
    assert!((9_525..=10_475).contains(&lost), "{lost}");
    assert!((4_150..=4_850).contains(&twice), "{twice}");
    assert!((1_670..=2_120).contains(&flipped), "{flipped}");
    assert!((2_560..=3_110).contains(&held), "{held}");
    assert!(arrivals.iter().filter_map(|arrival| arrival.flipped_bit).all(|bit| bit < 8000));
}

#[test]
fn jitter_spreads_but_keeps_the_order() {
    let mut config = LinkConfig::new(Duration::from_millis(20));
    config.jitter = Duration::from_millis(8);
    let arrivals = arrivals(&carry_many(&config, 1000, Duration::from_millis(1)));
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
    let delays: Vec<_> =
        arrivals.iter().zip(0..).map(|(arrival, n)| arrival.at - Duration::from_millis(n)).collect();
    assert!(delays.iter().all(|delay| (20..28).contains(&delay.as_millis())));
    assert!(delays.iter().any(|delay| delay.as_millis() < 22));
    assert!(delays.iter().any(|delay| delay.as_millis() > 26));
}

#[test]
fn a_packet_that_is_held_back_is_overtaken() {
    let mut config = LinkConfig::new(Duration::from_millis(20));
    config.reorder = Probability::percent(20.0);
    config.reorder_by = Duration::from_millis(50);
    let arrivals = arrivals(&carry_many(&config, 500, Duration::from_millis(1)));
    assert!(!arrivals.is_sorted_by_key(|arrival| arrival.at));
}

#[test]
fn bandwidth_spaces_packets_and_the_buffer_is_bounded() {
    let mut config = LinkConfig::new(Duration::ZERO);
    config.bandwidth = Some(8_000_000);
    config.buffer = 10_000;
    let carried = carry_many(&config, 20, Duration::ZERO);
    let at: Vec<_> = arrivals(&carried).iter().map(|arrival| arrival.at.as_millis()).collect();
    assert_eq!(at, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(carried[10..].iter().all(|carried| *carried == Carried::BufferFull));
}

#[test]
fn probabilities_have_their_edges() {
    assert_eq!(Probability::percent(-1.0), Probability::NEVER);
    assert_eq!(Probability::percent(f64::NAN), Probability::NEVER);
    assert_eq!(Probability::percent(100.0), Probability::ALWAYS);
    assert_eq!(Probability::percent(1e9), Probability::ALWAYS);
    assert_eq!(Probability::percent(12.5).to_string(), "12.500%");
    assert_eq!(uniform(&mut rng(), 0), 0);
}
