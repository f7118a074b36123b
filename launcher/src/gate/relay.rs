//! Octets between a client and git, either way, until one of them has ended.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::limits::RELAY_OCTETS;
use super::oversize::Oversize;
use super::request::{LENGTH_OCTETS, payload_octets};
use super::silence::{Silence, TooSilent};

/// How it ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// git has said all, and the client has it.
    Served,
    /// git has refused it, with this reason.
    Refused(String),
    /// The client is gone. A client of git's never closes its side alone.
    ClientLeft,
    /// It was silent for too long.
    TooSilent(TooSilent),
}

/// One direction: what was read from one side and not yet written to the other. Nothing
/// more is read meanwhile.
struct Way {
    octets: Box<[u8]>,
    next: usize,
    end: usize,
}

/// What happened on a way.
enum Turn<'way> {
    /// These have come.
    Came(&'way [u8]),
    /// Some were taken.
    Taken,
    /// Nothing more will come.
    Ended,
    /// Nothing more will be taken.
    Deaf,
}

impl Way {
    fn new() -> Way {
        Way {
            octets: vec![0; RELAY_OCTETS].into_boxed_slice(),
            next: 0,
            end: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// Puts `line` before what was read and nobody has taken yet, if there is room for it.
    fn put_before(&mut self, line: &[u8]) {
        let end = self.end + line.len();
        if let Some(octets) = self.octets.get_mut(..end) {
            octets.copy_within(..self.end, line.len());
            octets[..line.len()].copy_from_slice(line);
            self.end = end;
        }
    }

    /// Reads what has come, or writes what can be taken. May be dropped while it waits.
    async fn turn(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Turn<'_> {
        if self.is_empty() {
            let count = from.read(&mut self.octets).await.unwrap_or(0);
            (self.next, self.end) = (0, count);
            return match &self.octets[..count] {
                [] => Turn::Ended,
                octets => Turn::Came(octets),
            };
        }
        match to.write(&self.octets[self.next..self.end]).await {
            Ok(count) => {
                self.next += count;
                Turn::Taken
            }
            Err(_) => Turn::Deaf,
        }
    }
}

/// Relays until one side has ended or both have been silent for too long.
pub(super) async fn relay(
    client: &mut TcpStream,
    git: &mut UnixStream,
    silence: &mut Silence,
    mut oversize: Option<Oversize>,
) -> Ending {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_git, mut to_git) = git.split();
    let (mut up, mut down) = (Way::new(), Way::new());
    let (mut git_is_deaf, mut git_has_ended) = (false, false);
    let mut refusal = None;
    let ended = |refusal: Option<String>, otherwise| refusal.map_or(otherwise, Ending::Refused);
    while !(git_has_ended && down.is_empty()) {
        tokio::select! {
            turn = up.turn(&mut from_client, &mut to_git), if !git_is_deaf => match turn {
                Turn::Came(octets) => {
                    silence.client_sent(octets, Instant::now());
                    if let Some(oversize) = &mut oversize {
                        oversize.client_sent(octets);
                    }
                }
                Turn::Taken => silence.taken(Instant::now()),
                // With its answer, or without.
                Turn::Ended => return ended(refusal, Ending::ClientLeft),
                // It may still have something to say.
                Turn::Deaf => git_is_deaf = true,
            },
            turn = down.turn(&mut from_git, &mut to_client) => match turn {
                Turn::Came(octets) => {
                    if silence.is_unanswered() {
                        refusal = refusal_in(octets);
                    }
                    silence.server_sent(Instant::now());
                    let line = oversize.as_mut().and_then(|one| one.server_sent(octets));
                    if let Some(line) = line {
                        down.put_before(&line);
                    }
                }
                Turn::Taken => silence.taken(Instant::now()),
                Turn::Ended => git_has_ended = true,
                Turn::Deaf => return ended(refusal, Ending::ClientLeft),
            },
            () = tokio::time::sleep_until(silence.ends().into()) => {
                return Ending::TooSilent(silence.too_silent());
            }
        }
    }
    ended(refusal, Ending::Served)
}

/// The reason in a first pkt-line such as `000aERR no`.
fn refusal_in(octets: &[u8]) -> Option<String> {
    let (length, rest) = octets.split_first_chunk::<LENGTH_OCTETS>()?;
    let payload = rest.get(..payload_octets(*length)?)?;
    let reason = payload.strip_prefix(b"ERR ")?;
    Some(String::from_utf8_lossy(reason).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_the_first_line() {
        assert_eq!(refusal_in(b"000aERR no").as_deref(), Some("no"));
        assert_eq!(refusal_in(b"000bERR no\n").as_deref(), Some("no"));
        for other in [
            b"".as_slice(),
            b"0000",
            b"000eversion 2\n",
            b"00ffERR no",
            b"ERR no",
        ] {
            assert_eq!(refusal_in(other), None);
        }
    }
}
