//! Message heads as they came, and a reader for them that shares no code with the
//! engine and accepts nothing that RFC 9112 does not allow to be sent.

use std::fmt;

/// A request or response head: all its octets, the empty line included.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    octets: Vec<u8>,
}

impl Head {
    /// Takes the octets up to and including the empty line; fails on a malformed head.
    pub fn new(octets: Vec<u8>) -> Head {
        assert!(octets.ends_with(b"\r\n\r\n"), "a head ends with CRLF CRLF");
        let head = Head { octets };
        let bare = head
            .octets
            .iter()
            .enumerate()
            .any(|(at, octet)| match octet {
                b'\n' => at == 0 || head.octets[at - 1] != b'\r',
                b'\r' => head.octets.get(at + 1) != Some(&b'\n'),
                _ => *octet == 0,
            });
        assert!(!bare, "bare CR, bare LF or NUL in {head:?}");
        for line in head.lines().skip(1) {
            let name = line.split(':').next().unwrap_or_default();
            assert!(
                line.contains(':') && !name.is_empty() && !name.contains([' ', '\t']),
                "malformed field line {line:?} in {head:?}"
            );
        }
        head
    }

    /// Every octet of it.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Every octet of it, as text; octets above 0x7F are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets).into_owned()
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let text = self.text();
        let lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        lines.into_iter().take_while(|line| !line.is_empty())
    }

    /// The request line or status line.
    pub fn start_line(&self) -> String {
        self.lines().next().unwrap_or_default()
    }

    /// The field lines without their CRLF, as they came.
    pub fn field_lines(&self) -> Vec<String> {
        self.lines().skip(1).collect()
    }

    /// The values of every line of this name, in order, white space around them cut.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.lines()
            .skip(1)
            .filter_map(|line| {
                let (found, value) = line.split_once(':')?;
                found
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim_matches([' ', '\t']).to_owned())
            })
            .collect()
    }

    /// The value of the only line of this name; fails if it stands there twice.
    pub fn one(&self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        assert!(values.len() <= 1, "{name} repeated in {self:?}");
        values.pop()
    }

    /// Is there a line of this name?
    pub fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    /// The status code; fails unless the status line is one of HTTP/1.1.
    pub fn status(&self) -> u16 {
        let line = self.start_line();
        let rest = line.strip_prefix("HTTP/1.1 ");
        let code = rest.and_then(|rest| rest.get(..3)?.parse().ok());
        let spaced = rest.is_some_and(|rest| rest.as_bytes().get(3) == Some(&b' '));
        assert!(spaced, "{line:?} is not a status line of HTTP/1.1");
        code.unwrap_or_else(|| panic!("no status in {line:?}"))
    }

    /// Content-Length, if there is one.
    pub fn content_length(&self) -> Option<u64> {
        let value = self.one("content-length")?;
        Some(value.parse().expect("a canonical Content-Length"))
    }

    /// Is the body chunked? Fails on any other transfer coding.
    pub fn is_chunked(&self) -> bool {
        match self.one("transfer-encoding").as_deref() {
            None => false,
            Some("chunked") => {
                assert!(!self.has("content-length"), "two framings in {self:?}");
                true
            }
            Some(other) => panic!("transfer coding {other:?} in {self:?}"),
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// How a response told its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// None can follow: HEAD, 204, 304.
    NoBody,
    /// By Content-Length.
    ContentLength,
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    CloseDelimited,
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The interim (1xx) heads before it.
    pub interim: Vec<Head>,
    /// Its head.
    pub head: Head,
    /// Its body, the framing removed.
    pub body: Vec<u8>,
    /// How the body was framed.
    pub framing: Framing,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body of UTF-8")
    }

    /// Says the response that the connection ends after it?
    pub fn closes(&self) -> bool {
        let options = self.head.all("connection");
        options.iter().any(|o| o.eq_ignore_ascii_case("close"))
    }
}
