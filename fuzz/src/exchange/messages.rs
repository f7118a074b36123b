//! The messages of one direction of a connection, read one after the other by the grammar
//! of RFC 9112 alone, when all has been said.

use engine::message::HeadLimits;
use memchr::memmem;

use crate::naive::{self, Announced};

/// Which heads are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A peer's: an empty line may stand before it.
    OfPeer,
    /// The engine's own.
    OfEngine,
}

/// A request as far as it goes.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) head: naive::Request<'a>,
    pub(crate) body: Body,
}

/// A final response as far as it goes, and what came before it.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) interims: Vec<naive::Response<'a>>,
    pub(crate) head: naive::Response<'a>,
    pub(crate) body: Body,
}

/// A body as far as it goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) announced: Announced,
    pub(crate) data: Vec<u8>,
    /// Where the message ends, if it does.
    pub(crate) end: Option<usize>,
    /// Without chunk extensions and trailers, which have limits.
    pub(crate) is_plain: bool,
    /// Nothing that may follow could make it a body.
    pub(crate) is_broken: bool,
}

/// What follows the last message that could be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest<'a> {
    /// Nothing.
    Empty,
    /// Octets that may become a message.
    Begun,
    /// Octets that can't; the method, if a head was read that announces no body properly.
    Malformed(Option<&'a [u8]>),
}

/// All requests of a connection.
#[derive(Debug)]
pub(crate) struct Requests<'a> {
    pub(crate) requests: Vec<Request<'a>>,
    /// Empty if a request is there whose body is not over.
    pub(crate) rest: Rest<'a>,
}

/// Reads requests until one is not over, or is none.
pub(crate) fn requests(octets: &[u8], heads: Head) -> Requests<'_> {
    let mut requests = Vec::new();
    let mut begin = 0;
    let rest = loop {
        let request = match request(octets, begin, heads) {
            Ok(request) => request,
            Err(rest) => break rest,
        };
        let end = request.body.end;
        requests.push(request);
        match end {
            Some(end) => begin = end,
            None => break Rest::Empty,
        }
    };
    Requests { requests, rest }
}

/// Reads the request that begins there.
pub(crate) fn request(octets: &[u8], begin: usize, heads: Head) -> Result<Request<'_>, Rest<'_>> {
    let unread = unread_from(octets, begin);
    if unread.is_empty() {
        return Err(Rest::Empty);
    }
    let Some(head) = naive::request(unread, &limits(heads)) else {
        return Err(no_head(unread, heads));
    };
    let Some(announced) = naive::announced(&head.fields, head.version, false) else {
        return Err(Rest::Malformed(Some(head.method)));
    };
    let body = body(announced, octets, begin + head.octets);
    Ok(Request { head, body })
}

/// Reads the answer to a request with this method from `begin` on. `ends_well`: the end of
/// `octets` is the end of a body that only the end of its connection ends.
pub(crate) fn response<'a>(
    octets: &'a [u8],
    mut begin: usize,
    method: &[u8],
    ends_well: bool,
) -> Result<Response<'a>, Rest<'a>> {
    let mut interims = Vec::new();
    loop {
        let unread = &octets[begin..];
        if unread.is_empty() {
            return Err(Rest::Empty);
        }
        let Some(head) = naive::response(unread, &limits(Head::OfEngine)) else {
            return Err(no_head(unread, Head::OfEngine));
        };
        let Some(announced) = naive::announced(&head.fields, head.version, true) else {
            return Err(Rest::Malformed(None));
        };
        begin += head.octets;
        let body = match (head.status, announced) {
            (101, _) => body(Announced::Nothing, octets, begin),
            (100..=199, _) => {
                interims.push(head);
                continue;
            }
            (204 | 304, _) => body(Announced::Nothing, octets, begin),
            (_, _) if method == b"HEAD" => body(Announced::Nothing, octets, begin),
            (_, Announced::Nothing) => Body {
                announced,
                data: unread_from(octets, begin).to_vec(),
                end: ends_well.then_some(octets.len()),
                is_plain: true,
                is_broken: false,
            },
            (_, Announced::Length(_) | Announced::Chunked) => body(announced, octets, begin),
        };
        return Ok(Response {
            interims,
            head,
            body,
        });
    }
}

/// Whether a message is the last on its connection (RFC 9112 §9.3).
pub(crate) fn is_last(fields: &[naive::Field<'_>], version: &[u8]) -> bool {
    let options = options(fields);
    let names = |option: &str| options.iter().any(|named| named == option);
    names("close") || (version == b"1.0" && !names("keep-alive"))
}

/// The members of `Connection`, in lower case. A comma in quotes divides nothing.
pub(crate) fn options(fields: &[naive::Field<'_>]) -> Vec<String> {
    let mut options = Vec::new();
    for value in naive::values(fields, "connection") {
        let (mut quoted, mut escaped) = (false, false);
        let members = value.split(|octet| {
            let divides = *octet == b',' && !quoted;
            let was_escaped = std::mem::take(&mut escaped);
            escaped = quoted && !was_escaped && *octet == b'\\';
            quoted ^= !was_escaped && *octet == b'"';
            divides
        });
        options.extend(members.map(|member| text(member.trim_ascii()).to_ascii_lowercase()));
    }
    options
}

/// For comparing and telling; octets beyond ASCII are Latin-1.
pub(crate) fn text(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

fn limits(heads: Head) -> HeadLimits {
    HeadLimits {
        first_line_octets: usize::MAX,
        head_octets: usize::MAX,
        field_lines: usize::MAX,
        leading_empty_line: heads == Head::OfPeer,
    }
}

/// A head that could not be read: because it is not over?
fn no_head<'a>(unread: &[u8], heads: Head) -> Rest<'a> {
    let unread = match heads {
        Head::OfPeer => unread.strip_prefix(b"\r\n").unwrap_or(unread),
        Head::OfEngine => unread,
    };
    match memmem::find(unread, b"\r\n\r\n").is_some() {
        true => Rest::Malformed(None),
        false => Rest::Begun,
    }
}

fn unread_from(octets: &[u8], begin: usize) -> &[u8] {
    octets.get(begin..).unwrap_or_default()
}

fn body(announced: Announced, octets: &[u8], begin: usize) -> Body {
    let unread = unread_from(octets, begin);
    let length = match announced {
        Announced::Nothing => 0,
        Announced::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
        Announced::Chunked => return chunked(octets, begin),
    };
    Body {
        announced,
        data: unread[..length.min(unread.len())].to_vec(),
        end: (length <= unread.len()).then(|| begin + length),
        is_plain: true,
        is_broken: false,
    }
}

/// chunked-body = *chunk last-chunk trailer-section CRLF (RFC 9112 §7.1)
fn chunked(octets: &[u8], begin: usize) -> Body {
    let mut body = Body {
        announced: Announced::Chunked,
        data: Vec::new(),
        end: None,
        is_plain: true,
        is_broken: false,
    };
    let mut at = begin;
    while let Some(line) = line(octets, &mut at) {
        let digits = line.split(|octet| *octet == b';').next();
        let digits = digits.unwrap_or_default();
        body.is_plain &= digits.len() == line.len();
        let is_size = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        let size = str::from_utf8(digits).ok().filter(|_| is_size);
        let Some(size) = size.and_then(|size| u64::from_str_radix(size, 16).ok()) else {
            body.is_broken = true;
            break;
        };
        if size == 0 {
            body.end = trailers(octets, at);
            body.is_plain &= body.end == Some(at + 2);
            break;
        }
        let rest = unread_from(octets, at);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        body.data.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..) {
            Some([b'\r', b'\n', ..]) => at += size + 2,
            None | Some([] | [b'\r']) => break,
            Some(_) => {
                body.is_broken = true;
                break;
            }
        }
    }
    body
}

fn trailers(octets: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let line = line(octets, &mut at)?;
        if line.is_empty() {
            return Some(at);
        }
        let name = line.split(|octet| *octet == b':').next()?;
        if name.len() == line.len() || !naive::is_token(name) {
            return None;
        }
    }
}

/// A line that ends with CRLF and holds no control character.
fn line<'a>(octets: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = unread_from(octets, *at);
    let length = memmem::find(rest, b"\r\n")?;
    let line = &rest[..length];
    *at += length + 2;
    (!line.iter().any(naive::is_control)).then_some(line)
}
