//! The date for heads, made once a second.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::forward::HttpDate;

/// The date as HTTP writes it (RFC 9110 §5.6.7), made once a second.
#[derive(Default)]
pub(crate) struct Clock {
    cached: Mutex<(u64, HttpDate)>,
}

impl Clock {
    /// The present, to the second.
    pub(crate) fn http_date(&self) -> HttpDate {
        let now = SystemTime::now();
        // A clock before 1970 is a wrong clock; its date would be wrong as well.
        let second = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.0 != second {
            let mut date = HttpDate::default();
            // It has this length, always; were it longer, the last one would have to do.
            if write!(&mut date[..], "{}", httpdate::HttpDate::from(now)).is_ok() {
                *cached = (second, date);
            }
        }
        cached.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_one_that_http_reads() {
        let date = Clock::default().http_date();
        let text = std::str::from_utf8(&date).expect("a date is ASCII");
        assert!(httpdate::parse_http_date(text).is_ok(), "{text}");
    }
}
