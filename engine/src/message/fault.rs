//! Everything that a peer's octets can be wrong about.
//!
//! A fault blames nobody: the same octets are a client's fault on one leg and an
//! upstream's on the other. Who is blamed, and with which status, is decided where the
//! leg is known.

use std::fmt;

/// Why a message is not taken.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The octets do not follow the grammar, or have more than one reading.
    Malformed(Malformed),
    /// The octets are well-formed, and ask for what this recipient does not do.
    Unsupported(Unsupported),
    /// The message is larger than it may be.
    Limit(LimitReached),
}

/// How octets break the grammar of RFC 9112, or the rules of §6 that leave one reading.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The first octet can start no message: TLS on a plain port, or another protocol.
    FirstOctet,
    /// An empty line before a status line, or a second one before a request line (§2.2).
    EmptyLine,
    /// LF without CR before it (§2.2 lets a recipient accept it; this one does not).
    BareLf,
    /// CR without LF after it (§2.2).
    BareCr,
    /// NUL or another control character; HTAB is none where white space may stand.
    ControlCharacter,
    /// Not `method SP request-target SP HTTP-version` (§3).
    RequestLine,
    /// A character that no target may hold, or none of the four forms (§3.2).
    RequestTarget,
    /// Not `HTTP-version SP 3DIGIT [SP reason]`, or a status outside 100..=599 (§4).
    StatusLine,
    /// A field name that is empty or no token (RFC 9110 §5.1).
    FieldName,
    /// White space in a field name or before its colon (§5.1).
    SpaceBeforeColon,
    /// A field line without a colon (§5).
    ColonMissing,
    /// A field line, or the first after the start line, that begins with white space (§2.2, §5.2).
    ObsFold,
    /// The head does not end where its final empty line says.
    HeadEnd,
    /// No `Host` in an HTTP/1.1 request (§3.2).
    HostMissing,
    /// More than one `Host` (§3.2).
    HostRepeated,
    /// A `Host` that is not `uri-host [":" port]` (§3.2).
    Host,
    /// A `Content-Length` other than plain decimal digits of a number below 2^64 (§6.3).
    ContentLength,
    /// Several `Content-Length` lines; in a response, several that differ (§6.3).
    ContentLengthRepeated,
    /// `Content-Length` beside `Transfer-Encoding` (§6.1).
    ContentLengthWithTransferEncoding,
    /// `Transfer-Encoding` whose value is no transfer coding (§7).
    TransferEncoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message (§6.1).
    TransferEncodingInHttp10,
    /// `chunked` applied more than once (§6.1).
    ChunkedTwice,
    /// A chunk size that is not 1 to 16 hexadecimal digits (§7.1).
    ChunkSize,
    /// A chunk extension with an open quoted-string (§7.1.1).
    ChunkExtension,
    /// Chunk data that is not followed by CRLF (§7.1).
    ChunkData,
}

/// What is well-formed, and not done here.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Unsupported {
    /// A version other than HTTP/1.0 and HTTP/1.1 (505).
    Version,
    /// A transfer coding other than `chunked` (501).
    TransferCoding,
}

/// Which limit a message passed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LimitReached {
    /// Octets of the request line (414).
    RequestLine,
    /// Octets of the whole head (431).
    HeadOctets,
    /// Field lines of the head (431).
    FieldLines,
    /// Octets of one chunk-size line (400 / 502).
    ChunkLine,
    /// Octets of chunk extensions over the message (400 / 502).
    ChunkExtensions,
    /// Octets of the trailer section (400 / 502).
    TrailerOctets,
    /// Field lines of the trailer section (400 / 502).
    TrailerLines,
    /// Fields that `Connection` names beyond those that stay on a hop anyway.
    ConnectionOptions,
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Fault {
        Fault::Malformed(malformed)
    }
}

impl From<Unsupported> for Fault {
    fn from(unsupported: Unsupported) -> Fault {
        Fault::Unsupported(unsupported)
    }
}

impl From<LimitReached> for Fault {
    fn from(limit: LimitReached) -> Fault {
        Fault::Limit(limit)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Malformed(malformed) => malformed.fmt(f),
            Fault::Unsupported(unsupported) => unsupported.fmt(f),
            Fault::Limit(limit) => limit.fmt(f),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::FirstOctet => {
                "these octets start no HTTP/1 message; speak plain HTTP, not TLS, to this port"
            }
            Malformed::EmptyLine => "an empty line stands before the message",
            Malformed::BareLf => "a line ends in LF alone; end every line with CRLF",
            Malformed::BareCr => "a CR stands without its LF",
            Malformed::ControlCharacter => "the message holds a control character",
            Malformed::RequestLine => {
                "the request line is not `method SP target SP HTTP/1.1`; encode spaces in the target as %20"
            }
            Malformed::RequestTarget => {
                "the request target has none of the forms of RFC 9112, or an octet to be percent-encoded"
            }
            Malformed::StatusLine => "the status line is not `HTTP/1.1 SP status SP reason`",
            Malformed::FieldName => "a field name is empty or holds an octet that no name may hold",
            Malformed::SpaceBeforeColon => "white space stands before the colon of a field line",
            Malformed::ColonMissing => "a field line has no colon",
            Malformed::ObsFold => "a field line begins with white space; send each field on one line",
            Malformed::HeadEnd => "the head does not end with its empty line",
            Malformed::HostMissing => "the request has no Host field",
            Malformed::HostRepeated => "the request has more than one Host field",
            Malformed::Host => "the Host field is not a host with an optional port",
            Malformed::ContentLength => "Content-Length is not a plain decimal number",
            Malformed::ContentLengthRepeated => "Content-Length stands more than once",
            Malformed::ContentLengthWithTransferEncoding => {
                "Content-Length and Transfer-Encoding stand together; send one of them"
            }
            Malformed::TransferEncoding => "Transfer-Encoding is not exactly `chunked`",
            Malformed::TransferEncodingInHttp10 => "Transfer-Encoding stands in an HTTP/1.0 message",
            Malformed::ChunkedTwice => "the chunked coding is applied more than once",
            Malformed::ChunkSize => "a chunk size is not 1 to 16 hexadecimal digits",
            Malformed::ChunkExtension => "a chunk extension holds an open quoted string",
            Malformed::ChunkData => "chunk data is not followed by CRLF",
        })
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsupported::Version => "the version is neither HTTP/1.1 nor HTTP/1.0",
            Unsupported::TransferCoding => "a transfer coding other than chunked was applied",
        })
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LimitReached::RequestLine => "the request line is too long",
            LimitReached::HeadOctets => "the head is too large",
            LimitReached::FieldLines => "the head has too many field lines",
            LimitReached::ChunkLine => "a chunk-size line is too long",
            LimitReached::ChunkExtensions => "the chunk extensions are too large",
            LimitReached::TrailerOctets => "the trailer section is too large",
            LimitReached::TrailerLines => "the trailer section has too many field lines",
            LimitReached::ConnectionOptions => "the Connection field names too many fields",
        })
    }
}

impl std::error::Error for Fault {}
impl std::error::Error for Malformed {}
impl std::error::Error for Unsupported {}
impl std::error::Error for LimitReached {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[rustfmt::skip]
    const MALFORMED: &[Malformed] = &[
        Malformed::FirstOctet, Malformed::EmptyLine, Malformed::BareLf, Malformed::BareCr,
        Malformed::ControlCharacter, Malformed::RequestLine, Malformed::RequestTarget,
        Malformed::StatusLine, Malformed::FieldName, Malformed::SpaceBeforeColon,
        Malformed::ColonMissing, Malformed::ObsFold, Malformed::HeadEnd,
        Malformed::HostMissing, Malformed::HostRepeated, Malformed::Host,
        Malformed::ContentLength, Malformed::ContentLengthRepeated,
        Malformed::ContentLengthWithTransferEncoding, Malformed::TransferEncoding,
        Malformed::TransferEncodingInHttp10, Malformed::ChunkedTwice, Malformed::ChunkSize,
        Malformed::ChunkExtension, Malformed::ChunkData,
    ];

    #[rustfmt::skip]
    const LIMITS: &[LimitReached] = &[
        LimitReached::RequestLine, LimitReached::HeadOctets, LimitReached::FieldLines,
        LimitReached::ChunkLine, LimitReached::ChunkExtensions,
        LimitReached::TrailerOctets, LimitReached::TrailerLines,
        LimitReached::ConnectionOptions,
    ];

    #[test]
    fn sentences_are_short_distinct_and_fit_into_any_answer() {
        let malformed = MALFORMED.iter().map(|malformed| Fault::from(*malformed));
        let unsupported = [Unsupported::Version, Unsupported::TransferCoding].map(Fault::from);
        let limits = LIMITS.iter().map(|limit| Fault::from(*limit));
        let mut sentences = HashSet::new();
        for fault in malformed.chain(unsupported).chain(limits) {
            let sentence = fault.to_string();
            assert!((20..=100).contains(&sentence.len()), "{sentence}");
            let plain = |c: char| c.is_ascii_graphic() || c == ' ';
            assert!(sentence.chars().all(plain), "{sentence}");
            assert!(!sentence.contains(['"', '\\']), "{sentence}");
            assert!(sentences.insert(sentence), "{fault:?}");
        }
    }
}
