//! Trying again: a few times, with pauses that grow and are spread by chance, so that many clients do not come at once.

use std::time::Duration;

/// How often something is tried at most.
const TRIES: u32 = 7;
/// Longest first pause.
const FIRST: Duration = Duration::from_millis(200);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5);
/// Longest pause that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_mins(1);

/// Counts tries.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    tried: u32,
}

impl Retry {
    /// Waits before the next try, as long as the server has `asked` for or a random time; returns `false` at once when it
    /// has been tried often enough.
    pub async fn pause(&mut self, asked: Option<Duration>) -> bool {
        self.tried += 1;
        if self.tried >= TRIES {
            return false;
        }
        let longest = LONGEST.min(FIRST * 2_u32.saturating_pow(self.tried - 1));
        let random = longest.mul_f64(rand::random::<f64>());
        tokio::time::sleep(asked.map_or(random, |asked| asked.min(LONGEST_ASKED))).await;
        true
    }
}
