//! What the peers of one client connection do, as a text of which every octet means
//! something: see "Scripts" in the README.

use std::collections::VecDeque;
use std::time::Duration;

/// Octets that one script may say, repetitions included: the read buffers grow and shrink.
const OCTETS: usize = 70_000;

/// Connections that a script may tell of; further ones answer as [`Answer::Length`].
const UPSTREAMS: usize = 16;

/// How many octets move at a time where no script says otherwise.
pub(crate) const ALL: usize = usize::MAX;

/// What the digits of `|p` and `|w` stand for. Nothing in pieces of 0 would ever end: all.
const SIZES: [usize; 10] = [0, 1, 2, 3, 7, 17, 100, 1000, 5000, ALL];

/// A peer's next deed.
#[derive(Debug)]
pub(crate) enum Step {
    /// Octets to be read, in pieces.
    Send(Vec<u8>),
    /// Nothing to be read for one turn of the loop.
    Split,
    /// Nothing to be read for so long.
    Pause(Duration),
    /// An upstream awaits a request and answers it.
    Answer(Answer),
    /// From here on a read finds at most so many octets.
    Pieces(usize),
    /// From here on a write takes at most so many octets; 0: it waits.
    Width(usize),
    /// Nothing more will be read. Writes are still taken.
    End,
    /// The connection is broken.
    Break,
}

/// Answers of a service that keeps to the standards.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Length,
    Chunked,
    CloseDelimited,
    Closing,
    NoContent,
    NotModified,
    EarlyHints,
    Continue,
    Upgrade,
}

/// What everybody does.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) client: VecDeque<Step>,
    /// In the order of dialling.
    pub(crate) upstreams: VecDeque<Upstream>,
}

/// What one upstream does.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    pub(crate) steps: VecDeque<Step>,
    /// It is not there to be dialled.
    pub(crate) refused: bool,
}

struct Reader {
    script: Script,
    /// Who speaks: the client, or the newest upstream.
    upstream_speaks: bool,
    said: usize,
}

impl Script {
    /// Every input is a script.
    pub(crate) fn read(input: &[u8]) -> Script {
        let mut reader = Reader {
            script: Script::default(),
            upstream_speaks: false,
            said: 0,
        };
        let mut rest = input;
        while let [octet, after @ ..] = rest {
            rest = match (octet, after) {
                (b'|', [directive, argument @ ..]) => reader.directive(*directive, argument),
                (b'\r', [b'\n', after @ ..]) | (b'\n', after) => {
                    reader.say(b"\r\n");
                    after
                }
                (octet, after) => {
                    reader.say(&[*octet]);
                    after
                }
            };
        }
        reader.script
    }
}

impl Reader {
    /// Obeys, and gives what follows.
    fn directive<'a>(&mut self, directive: u8, after: &'a [u8]) -> &'a [u8] {
        let argument = after.first().copied().unwrap_or_default();
        let digit = usize::from(argument.wrapping_sub(b'0').min(9));
        let mut takes = 0;
        match directive {
            // Octets that a line of text cannot hold.
            b'|' => return self.said(b"|", after),
            b'l' => return self.said(b"\n", after),
            b'r' => return self.said(b"\r", after),
            b'0' => return self.said(b"\0", after),
            b'x' => {
                self.repeat(digit);
                return after.get(1..).unwrap_or_default();
            }
            b'#' => {
                let end = after.iter().position(|octet| *octet == b'\n');
                return &after[end.map_or(after.len(), |end| end + 1)..];
            }
            b'c' => self.upstream_speaks = false,
            b'u' => self.upstream_speaks = true,
            b'n' => {
                self.upstream_speaks = true;
                if self.script.upstreams.len() < UPSTREAMS {
                    self.script.upstreams.push_back(Upstream::default());
                }
            }
            b'-' => self.upstream().refused = true,
            b',' => self.step(Step::Split),
            b'?' => self.step(Step::Pause(Duration::from_millis(1))),
            b'.' => self.step(Step::End),
            b'!' => self.step(Step::Break),
            b'z' => {
                takes = 1;
                self.step(Step::Pause(Duration::from_millis(10 << digit)));
            }
            b'p' => {
                takes = 1;
                self.step(Step::Pieces(if digit == 0 { ALL } else { SIZES[digit] }));
            }
            b'w' => {
                takes = 1;
                self.step(Step::Width(SIZES[digit]));
            }
            b'=' => {
                takes = 1;
                if self.upstream_speaks {
                    self.step(Step::Answer(Answer::named(argument)));
                }
            }
            _ => {}
        }
        let after = after.get(takes..).unwrap_or_default();
        after.strip_prefix(b"\n").unwrap_or(after)
    }

    fn said<'a>(&mut self, octets: &[u8], after: &'a [u8]) -> &'a [u8] {
        self.say(octets);
        after
    }

    fn say(&mut self, octets: &[u8]) {
        if self.said + octets.len() > OCTETS {
            return;
        }
        self.said += octets.len();
        match self.steps().back_mut() {
            Some(Step::Send(sent)) => sent.extend_from_slice(octets),
            _ => self.step(Step::Send(octets.to_vec())),
        }
    }

    /// The last octet, ten to the `power` times more.
    fn repeat(&mut self, power: usize) {
        let count = 10_usize.pow(power.min(5) as u32).min(OCTETS - self.said);
        if let Some(Step::Send(sent)) = self.steps().back_mut() {
            let last = sent.last().copied().unwrap_or_default();
            sent.resize(sent.len() + count, last);
            self.said += count;
        }
    }

    fn step(&mut self, step: Step) {
        self.steps().push_back(step);
    }

    fn steps(&mut self) -> &mut VecDeque<Step> {
        match self.upstream_speaks {
            true => &mut self.upstream().steps,
            false => &mut self.script.client,
        }
    }

    fn upstream(&mut self) -> &mut Upstream {
        let upstreams = &mut self.script.upstreams;
        if upstreams.is_empty() {
            upstreams.push_back(Upstream::default());
        }
        let last = upstreams.len() - 1;
        &mut upstreams[last]
    }
}

impl Answer {
    fn named(letter: u8) -> Answer {
        match letter {
            b'c' => Answer::Chunked,
            b'd' => Answer::CloseDelimited,
            b'k' => Answer::Closing,
            b'n' => Answer::NoContent,
            b'm' => Answer::NotModified,
            b'i' => Answer::EarlyHints,
            b'o' => Answer::Continue,
            b'u' => Answer::Upgrade,
            _ => Answer::Length,
        }
    }

    /// What is said once the request's head is there; then the rest is awaited.
    pub(crate) fn to_head(self) -> &'static str {
        match self {
            Answer::Continue => "HTTP/1.1 100 Continue\r\n\r\n",
            Answer::Length
            | Answer::Chunked
            | Answer::CloseDelimited
            | Answer::Closing
            | Answer::NoContent
            | Answer::NotModified
            | Answer::EarlyHints
            | Answer::Upgrade => "",
        }
    }

    /// The head and the body of the answer, and whether it ends the connection.
    pub(crate) fn to_request(self) -> (&'static str, &'static str, bool) {
        match self {
            Answer::Length | Answer::Continue => (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: s\r\n\r\n",
                "hello",
                false,
            ),
            Answer::Chunked => (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
                "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n",
                false,
            ),
            Answer::CloseDelimited => ("HTTP/1.1 200 OK\r\n\r\n", "to the end", true),
            Answer::Closing => (
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
                "bye",
                true,
            ),
            Answer::NoContent => ("HTTP/1.1 204 No Content\r\n\r\n", "", false),
            Answer::NotModified => (
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                "",
                false,
            ),
            Answer::EarlyHints => (
                "HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                "hello",
                false,
            ),
            Answer::Upgrade => (
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                "frames",
                false,
            ),
        }
    }
}
