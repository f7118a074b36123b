//! Standard error: one JSON object a line for an exchange, plain lines for the process.
//!
//! A line never holds a field value, a query or a token. Lines are written by a thread of
//! their own, so that a reader who is slow, or gone, holds no exchange up.

use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "pipes")]
use std::sync::mpsc::Receiver;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::config::LogLevel;
use crate::limits::{LOG_LINES_WAITING, LOG_VALUE_OCTETS};

/// The process's log.
pub struct AccessLog {
    level: LogLevel,
    lines: Mutex<Option<SyncSender<String>>>,
    dropped: AtomicU64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// One exchange.
pub(crate) struct LogLine<'a> {
    pub(crate) method: Option<&'a [u8]>,
    pub(crate) route: Option<&'a str>,
    /// Without its query.
    pub(crate) path: Option<&'a [u8]>,
    pub(crate) status: Option<u16>,
    /// A type of RFC 9209, or one of ours where that has none.
    pub(crate) error: Option<&'static str>,
    /// Our sentence for the error, which holds nothing of the request.
    pub(crate) sentence: Option<&'a str>,
    /// Payload octets from the client.
    pub(crate) octets_up: u64,
    /// Payload octets to the client.
    pub(crate) octets_down: u64,
    /// From the request head to the response head.
    pub(crate) first_octet: Option<Duration>,
    /// From the request head to the end.
    pub(crate) total: Duration,
    /// Whether the upstream connection had served before.
    pub(crate) reused: bool,
}

impl AccessLog {
    /// A log at `level`, writing to standard error.
    pub fn new(level: LogLevel) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<String>(LOG_LINES_WAITING);
        let writer = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || {
                for line in receiver {
                    // Nowhere is left to tell of a log that can't be written.
                    let _ = std::io::stderr().lock().write_all(line.as_bytes());
                }
            })?;
        Ok(AccessLog {
            level,
            lines: Mutex::new(Some(sender)),
            dropped: AtomicU64::new(0),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// A log whose lines are the caller's to read, and to make room for more.
    #[cfg(feature = "pipes")]
    pub fn kept(level: LogLevel) -> (Self, Receiver<String>) {
        let (sender, receiver) = sync_channel(LOG_LINES_WAITING);
        let log = AccessLog {
            level,
            lines: Mutex::new(Some(sender)),
            dropped: AtomicU64::new(0),
            writer: Mutex::new(None),
        };
        (log, receiver)
    }

    /// A line about the process itself: printed at every level but `off`.
    pub fn process(&self, line: &str) {
        if self.level != LogLevel::Off {
            self.send(format!("cred-proxy: {line}\n"));
        }
    }

    /// A line about a connection: made and printed only at `debug`.
    pub(crate) fn debug(&self, line: impl FnOnce() -> String) {
        if self.level == LogLevel::Debug {
            self.process(&line());
        }
    }

    /// Whether an exchange is to be written down.
    pub(crate) fn wants(&self, concerns_operator: bool) -> bool {
        match self.level {
            LogLevel::Off => false,
            LogLevel::Error => concerns_operator,
            LogLevel::Access | LogLevel::Debug => true,
        }
    }

    /// Whether anybody will read the sentence of a failure.
    pub(crate) fn tells_sentences(&self) -> bool {
        self.level != LogLevel::Off
    }

    /// Writes an exchange down.
    pub(crate) fn exchange(&self, line: &LogLine<'_>) {
        let mut text = String::with_capacity(256);
        text.push_str("{\"time\":\"");
        text.push_str(&humantime::format_rfc3339_millis(SystemTime::now()).to_string());
        text.push('"');
        text_member(&mut text, "method", line.method);
        text_member(&mut text, "route", line.route.map(str::as_bytes));
        text_member(&mut text, "path", line.path);
        number_member(&mut text, "status", line.status.map(u64::from));
        text_member(&mut text, "error", line.error.map(str::as_bytes));
        text_member(&mut text, "message", line.sentence.map(str::as_bytes));
        number_member(&mut text, "octets_up", Some(line.octets_up));
        number_member(&mut text, "octets_down", Some(line.octets_down));
        number_member(
            &mut text,
            "first_octet_us",
            line.first_octet.map(microseconds),
        );
        number_member(&mut text, "total_us", Some(microseconds(line.total)));
        text.push_str(",\"reused\":");
        text.push_str(if line.reused { "true" } else { "false" });
        text.push_str("}\n");
        self.send(text);
    }

    fn send(&self, line: String) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = lines.as_ref() else {
            return; // Closed: the process is ending.
        };
        let missing = self.dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let note = format!("cred-proxy: {missing} log lines dropped: the reader is too slow\n");
            if sender.try_send(note).is_err() {
                self.dropped.fetch_add(missing, Ordering::Relaxed);
            }
        }
        match sender.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Writes out what waits, and ends.
    pub fn close(&self) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // The thread runs one loop over a channel that is now closed.
            let _ = writer.join();
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn number_member(text: &mut String, name: &str, value: Option<u64>) {
    if let Some(value) = value {
        text.push_str(&format!(",\"{name}\":{value}"));
    }
}

/// Octets of a peer may be anything: what is not plain ASCII is escaped, so that a line
/// stays one line and no terminal obeys it.
fn text_member(text: &mut String, name: &str, value: Option<&[u8]>) {
    let Some(value) = value else { return };
    text.push_str(&format!(",\"{name}\":\""));
    for &octet in value.iter().take(LOG_VALUE_OCTETS) {
        match octet {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(octet));
            }
            0x20..=0x7e => text.push(char::from(octet)),
            _ => text.push_str(&format!("\\u{octet:04x}")),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_member_stays_on_its_line_and_is_json() {
        let mut text = String::from("{\"a\":1");
        text_member(&mut text, "path", Some(b"/a\"b\\c\n\x1b[31m\xff"));
        text.push('}');
        assert!(text.is_ascii() && !text.contains('\n') && !text.contains('\u{1b}'));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["path"], "/a\"b\\c\n\u{1b}[31m\u{ff}");
    }

    #[test]
    fn a_long_value_is_cut() {
        let value = vec![b'a'; LOG_VALUE_OCTETS + 1];
        for length in [LOG_VALUE_OCTETS, LOG_VALUE_OCTETS + 1] {
            let mut text = String::new();
            text_member(&mut text, "path", Some(&value[..length]));
            assert_eq!(text.len(), ",\"path\":\"\"".len() + LOG_VALUE_OCTETS);
        }
    }

    #[test]
    fn each_level_wants_its_lines() {
        for (level, mine, others) in [
            (LogLevel::Off, false, false),
            (LogLevel::Error, true, false),
            (LogLevel::Access, true, true),
            (LogLevel::Debug, true, true),
        ] {
            let log = AccessLog::new(level).expect("a thread");
            assert_eq!((log.wants(true), log.wants(false)), (mine, others));
            log.close();
        }
    }
}
