//! Cookies (RFC 7296 section 2.6): nothing is remembered of a stranger before it has shown that it receives what is
//! sent to its address.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;

use crate::crypto::Prf;
use crate::secret::SecretBytes;

/// How long one secret makes cookies; it is accepted for as long again.
const ROTATION: Duration = Duration::from_secs(60);
/// Cookies stay demanded for this long after the pressure is gone. AUTH covers the request that carried the cookie, so
/// flapping between both modes would fail exchanges that are under way.
const CALM_DOWN: Duration = Duration::from_secs(30);

/// Makes and checks cookies with two rotating secrets.
#[derive(Debug)]
pub(crate) struct CookieJar {
    current: SecretBytes,
    previous: SecretBytes,
    generation: u8,
    rotated: Instant,
    demanded_until: Option<Instant>,
}

impl CookieJar {
    pub(crate) fn new(rng: &mut dyn CryptoRng, now: Instant) -> Self {
        Self {
            current: secret(rng),
            previous: secret(rng),
            generation: 0,
            rotated: now,
            demanded_until: None,
        }
    }

    /// Whether cookies are demanded now, given whether the threshold is met.
    pub(crate) fn is_demanded(&mut self, pressure: bool, now: Instant) -> bool {
        if pressure {
            self.demanded_until = Some(now + CALM_DOWN);
        }
        self.demanded_until.is_some_and(|until| now < until)
    }

    /// The cookie for a request.
    pub(crate) fn bake(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: Instant,
        nonce: &[u8],
        source: IpAddr,
        spi: u64,
    ) -> Vec<u8> {
        self.rotate(rng, now);
        compute(&self.current, self.generation, nonce, source, spi)
    }

    /// Whether a cookie is one of ours and fresh.
    pub(crate) fn is_valid(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: Instant,
        cookie: &[u8],
        nonce: &[u8],
        source: IpAddr,
        spi: u64,
    ) -> bool {
        self.rotate(rng, now);
        let Some(generation) = cookie.first() else { return false };
        let secret = if *generation == self.generation {
            &self.current
        } else if *generation == self.generation.wrapping_sub(1) {
            &self.previous
        } else {
            return false;
        };
        compute(secret, *generation, nonce, source, spi).ct_eq(cookie).into()
    }

    fn rotate(&mut self, rng: &mut dyn CryptoRng, now: Instant) {
        let age = now.saturating_duration_since(self.rotated);
        if age < ROTATION {
            return;
        }
        self.previous = if age < 2 * ROTATION {
            core::mem::replace(&mut self.current, secret(rng))
        } else {
            self.current = secret(rng);
            secret(rng)
        };
        self.generation = self.generation.wrapping_add(1);
        self.rotated = now;
    }
}

fn secret(rng: &mut dyn CryptoRng) -> SecretBytes {
    let mut bytes = vec![0; 32];
    rng.fill_bytes(&mut bytes);
    SecretBytes::new(bytes)
}

fn compute(secret: &SecretBytes, generation: u8, nonce: &[u8], source: IpAddr, spi: u64) -> Vec<u8> {
    let address = match source {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    let mac = Prf::HmacSha256.mac(secret.expose(), &[&[generation], nonce, &address, &spi.to_be_bytes()]);
    core::iter::once(generation).chain(mac.expose().iter().copied().take(16)).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn cookie_is_bound_to_nonce_source_and_spi_and_lives_for_two_rotations() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let start = Instant::now();
        let mut jar = CookieJar::new(&mut rng, start);
        let (source, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let cookie = jar.bake(&mut rng, start, b"nonce", source, 7);
        assert!((1..=64).contains(&cookie.len()));
        let mut valid = |at: Duration, cookie: &[u8], nonce: &[u8], source, spi| {
            jar.is_valid(&mut rng, start + at, cookie, nonce, source, spi)
        };
        assert!(valid(Duration::ZERO, &cookie, b"nonce", source, 7));
        assert!(!valid(Duration::ZERO, &cookie, b"other", source, 7));
        assert!(!valid(Duration::ZERO, &cookie, b"nonce", other, 7));
        assert!(!valid(Duration::ZERO, &cookie, b"nonce", source, 8));
        assert!(!valid(Duration::ZERO, &[], b"nonce", source, 7));
        assert!(valid(ROTATION, &cookie, b"nonce", source, 7), "the previous secret still counts");
        assert!(!valid(2 * ROTATION, &cookie, b"nonce", source, 7));
    }

    #[test]
    fn long_silence_makes_both_secrets_new() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let start = Instant::now();
        let mut jar = CookieJar::new(&mut rng, start);
        let source = [192, 0, 2, 1].into();
        let cookie = jar.bake(&mut rng, start, b"nonce", source, 7);
        assert!(!jar.is_valid(&mut rng, start + 5 * ROTATION, &cookie, b"nonce", source, 7));
    }

    #[test]
    fn demand_outlasts_the_pressure() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let start = Instant::now();
        let mut jar = CookieJar::new(&mut rng, start);
        assert!(!jar.is_demanded(false, start));
        assert!(jar.is_demanded(true, start));
        assert!(jar.is_demanded(false, start + CALM_DOWN / 2));
        assert!(!jar.is_demanded(false, start + CALM_DOWN));
    }
}
