//! Rows for every state of the decoder, and a naive reader to be compared with.

use super::super::testing::{Generator, check, ways};
use super::*;
use Malformed::{
    BareCr, BareLf, ChunkData, ChunkExtension, ChunkSize, ColonMissing, ControlCharacter,
    FieldName, ObsFold, SpaceBeforeColon,
};

const SMALL: ChunkLimits = ChunkLimits {
    line_octets: 20,
    extension_octets: 18,
    trailer_octets: 20,
    trailer_lines: 2,
};

/// The data found, and, if the body is over, how many octets of the input it took.
type Read = Result<(Vec<u8>, Option<usize>), Fault>;

/// Reads as a connection does: what arrives is kept until a step takes it.
fn read(pieces: &[&[u8]], limits: ChunkLimits) -> Read {
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut unread, mut data, mut taken) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            match decoder.decode(&unread)? {
                Step::More { framing } => {
                    assert_eq!(framing, unread.len(), "More takes all that was given");
                    assert!(!decoder.is_complete());
                    taken += framing;
                    unread.clear();
                    break;
                }
                Step::Data {
                    framing,
                    data: length,
                } => {
                    assert!(length > 0);
                    data.extend_from_slice(&unread[framing..][..length]);
                    taken += framing + length;
                    unread.drain(..framing + length);
                }
                Step::End { framing } => {
                    assert!(decoder.is_complete());
                    assert_eq!(decoder.decode(&unread), Ok(Step::End { framing: 0 }));
                    return Ok((data, Some(taken + framing)));
                }
            }
        }
    }
    Ok((data, None))
}

fn whole(data: &str, taken: usize) -> Read {
    Ok((data.as_bytes().to_vec(), Some(taken)))
}

fn part(data: &str) -> Read {
    Ok((data.as_bytes().to_vec(), None))
}

fn bad(malformed: Malformed) -> Read {
    Err(malformed.into())
}

fn over(limit: LimitReached) -> Read {
    Err(limit.into())
}

#[test]
fn chunks_are_joined() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], Read)] = &[
        ("nothing yet", b"", part("")),
        ("the last chunk alone", b"0\r\n\r\n", whole("", 5)),
        ("one chunk", b"3\r\nabc\r\n0\r\n\r\n", whole("abc", 13)),
        ("two chunks", b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", whole("abcd", 19)),
        ("what follows belongs to another message", b"1\r\na\r\n0\r\n\r\nGET /", whole("a", 11)),
        ("digits in both cases", b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", whole("01234567890123456789a", 36)),
        ("zeros before a size", b"0000000000000001\r\na\r\n0\r\n\r\n", whole("a", 26)),
        ("many zeros are a last chunk", b"0000\r\n\r\n", whole("", 8)),
        ("data is not looked at", b"8\r\n\r\n0\r\n\r\n\0\r\n0\r\n\r\n", whole("\r\n0\r\n\r\n\0", 18)),
        ("a size and no data", b"5\r\n", part("")),
        ("data that is cut", b"5\r\nab", part("ab")),
        ("data and no CRLF yet", b"2\r\nab", part("ab")),
        ("no last chunk", b"2\r\nab\r\n", part("ab")),
        ("no final CRLF", b"2\r\nab\r\n0\r\n", part("ab")),
        ("half of the final CRLF", b"2\r\nab\r\n0\r\n\r", part("ab")),
        ("the largest size", b"FFFFFFFFFFFFFFFF\r\nab", part("ab")),
    ];
    check(rows, |pieces| read(pieces, SMALL));
}

#[test]
fn sizes_and_ends_follow_the_grammar() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], Read)] = &[
        ("no size", b"\r\n\r\n", bad(ChunkSize)),
        ("no size before an extension", b";a\r\n", bad(ChunkSize)),
        ("hexadecimal of a language", b"0x5\r\nabcde\r\n", bad(ChunkSize)),
        ("a plus", b"+5\r\n", bad(ChunkSize)),
        ("a minus", b"-5\r\n", bad(ChunkSize)),
        ("an underscore", b"1_0\r\n", bad(ChunkSize)),
        ("no digit at all", b"g\r\n", bad(ChunkSize)),
        ("a space before", b" 5\r\n", bad(ChunkSize)),
        ("a space after", b"5 \r\n", bad(ChunkSize)),
        ("a tab after", b"5\t\r\n", bad(ChunkSize)),
        ("a space before an extension", b"5 ;a\r\n", bad(ChunkSize)),
        ("NUL after", b"5\0\r\n", bad(ChunkSize)),
        ("17 digits", b"00000000000000001\r\n", bad(ChunkSize)),
        ("17 digits, past 2^64", b"10000000000000000\r\n", bad(ChunkSize)),
        ("LF after a size", b"5\nabcde\r\n", bad(BareLf)),
        ("LF before a size", b"\n5\r\n", bad(BareLf)),
        ("CR after a size", b"5\rabcde\r\n", bad(BareCr)),
        ("CR CR LF after a size", b"5\r\r\nabcde", bad(BareCr)),
        ("LF after data", b"1\r\na\n0\r\n\r\n", bad(BareLf)),
        ("CR after data", b"1\r\na\r0\r\n\r\n", bad(BareCr)),
        ("more data than the size says", b"1\r\nab\r\n0\r\n\r\n", bad(ChunkData)),
        ("less data than the size says", b"4\r\nab\r\n0\r\n\r\n", bad(ChunkData)),
        ("no CRLF after data", b"1\r\na0\r\n\r\n", bad(ChunkData)),
        ("LF at the end", b"0\r\n\n", bad(BareLf)),
        ("CR at the end", b"0\r\n\rG", bad(BareCr)),
        ("another message instead of the end", b"0\r\nGET / HTTP/1.1\r\n\r\n", bad(SpaceBeforeColon)),
    ];
    check(rows, |pieces| read(pieces, SMALL));
}

#[test]
fn extensions_are_dropped() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], Read)] = &[
        ("a name", b"1;a\r\nx\r\n0\r\n\r\n", whole("x", 13)),
        ("a name and a value", b"1;a=b\r\nx\r\n0;c\r\n\r\n", whole("x", 17)),
        ("white space after the semicolon", b"0; a\t= b\r\n\r\n", whole("", 12)),
        ("a quoted string with what would end others", b"0;a=\"; \\\"\\\\\"\r\n\r\n", whole("", 16)),
        ("obs-text", b"0;a=\"\xff\"\r\n\r\n", whole("", 11)),
        ("LF", b"0;a\n\r\n", bad(BareLf)),
        ("LF in quotes", b"0;a=\"\n\"\r\n\r\n", bad(BareLf)),
        ("an escaped LF", b"0;a=\"\\\n\"\r\n\r\n", bad(BareLf)),
        ("CR", b"0;a\rb\r\n\r\n", bad(BareCr)),
        ("CR in quotes", b"0;a=\"\r\n\"\r\n\r\n", bad(ChunkExtension)),
        ("an escaped CR", b"0;a=\"\\\r\n\r\n", bad(ChunkExtension)),
        ("NUL", b"0;a\0\r\n\r\n", bad(ControlCharacter)),
        ("DEL in quotes", b"0;a=\"\x7f\"\r\n\r\n", bad(ControlCharacter)),
    ];
    check(rows, |pieces| read(pieces, SMALL));
}

#[test]
fn trailer_fields_are_dropped_and_are_fields_nonetheless() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], Read)] = &[
        ("a field", b"0\r\na: b\r\n\r\nGET", whole("", 11)),
        ("two fields", b"0\r\na:\r\nb:\tc\xff\r\n\r\n", whole("", 16)),
        ("a field that is cut", b"0\r\na: b\r\n", part("")),
        ("no colon", b"0\r\nab\r\n\r\n", bad(ColonMissing)),
        ("an empty name", b"0\r\n: b\r\n\r\n", bad(FieldName)),
        ("a delimiter in the name", b"0\r\na@: b\r\n\r\n", bad(FieldName)),
        ("obs-text in the name", b"0\r\n\xff: b\r\n\r\n", bad(FieldName)),
        ("a space before the colon", b"0\r\na : b\r\n\r\n", bad(SpaceBeforeColon)),
        ("white space at first", b"0\r\n a: b\r\n\r\n", bad(ObsFold)),
        ("a fold", b"0\r\na: b\r\n\tc\r\n\r\n", bad(ObsFold)),
        ("LF after a field", b"0\r\na: b\n\r\n", bad(BareLf)),
        ("LF in a name", b"0\r\na\nb: c\r\n\r\n", bad(BareLf)),
        ("CR in a value", b"0\r\na: b\rc\r\n\r\n", bad(BareCr)),
        ("NUL in a value", b"0\r\na: \0\r\n\r\n", bad(ControlCharacter)),
        ("NUL in a name", b"0\r\na\0: b\r\n\r\n", bad(ControlCharacter)),
    ];
    check(rows, |pieces| read(pieces, SMALL));
}

#[test]
fn limits_hold_at_the_bound_and_not_past_it() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], Read)] = &[
        ("a line of 20", b"0000;678901234567890\r\n\r\n", whole("", 24)),
        ("a line of 21", b"0000;6789012345678901", over(LimitReached::ChunkLine)),
        ("each line is counted anew", b"01;45678\r\na\r\n00000;78901234567890\r\n\r\n", over(LimitReached::ChunkExtensions)),
        ("extensions of 18", b"1;345678901\r\na\r\n0;3456789\r\n\r\n", whole("a", 29)),
        ("extensions of 19", b"1;345678901\r\na\r\n0;34567890", over(LimitReached::ChunkExtensions)),
        ("a trailer section of 20", b"0\r\na: 45678\r\nb: 45678\r\n\r\n", whole("", 25)),
        ("a trailer section of 21", b"0\r\na: 45678\r\nb: 456789\r\n\r\n", over(LimitReached::TrailerOctets)),
        ("2 trailer lines", b"0\r\na:\r\nb:\r\n\r\n", whole("", 13)),
        ("3 trailer lines", b"0\r\na:\r\nb:\r\nc", over(LimitReached::TrailerLines)),
    ];
    check(rows, |pieces| read(pieces, SMALL));
}

#[test]
fn limits_come_from_the_one_place() {
    let limits = Limits::default();
    let line = vec![b'x'; limits.chunk_line_octets - 2];
    assert_eq!(
        read(&[b"0;", &line, b"\r\n\r\n"], (&limits).into()).map(drop),
        Ok(())
    );
    assert_eq!(
        read(&[b"0;x", &line], (&limits).into()),
        over(LimitReached::ChunkLine)
    );

    let fields = "a:\r\n".repeat(limits.trailer_lines);
    let fields = fields.as_bytes();
    assert_eq!(
        read(&[b"0\r\n", fields, b"\r\n"], (&limits).into()).map(drop),
        Ok(())
    );
    assert_eq!(
        read(&[b"0\r\n", fields, b"a"], (&limits).into()),
        over(LimitReached::TrailerLines)
    );
}

/// What a reader says who has the whole input and splits it line by line: None if it is
/// not a whole body.
fn naive(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut rest = input;
    let mut data = Vec::new();
    loop {
        let (size_line, after) = split_line(rest)?;
        let mut parts = size_line.splitn(2, |octet| *octet == b';');
        let digits = str::from_utf8(parts.next()?).ok()?;
        let plain = digits.chars().all(|c| c.is_ascii_hexdigit()) && digits.len() <= 16;
        if !plain || !parts.next().is_none_or(is_extension) {
            return None;
        }
        rest = after;
        let size = usize::from_str_radix(digits, 16).ok()?;
        if size == 0 {
            break;
        }
        data.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    loop {
        let (line, after) = split_line(rest)?;
        rest = after;
        if line.is_empty() {
            return Some((data, input.len() - rest.len()));
        }
        let colon = line.iter().position(|octet| *octet == b':')?;
        let name_is_good = colon > 0 && line[..colon].iter().all(|octet| is_tchar(*octet));
        if !name_is_good || line.iter().any(|octet| is_control(*octet)) {
            return None;
        }
    }
}

fn split_line(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = input.windows(2).position(|two| two == b"\r\n")?;
    Some((&input[..end], &input[end + 2..]))
}

/// Without control characters, and with every quoted-string closed.
fn is_extension(octets: &[u8]) -> bool {
    let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
    // Quotes are even, once each escape within them is out of the way.
    let mut outside = true;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => outside = !outside,
            '\\' if !outside => drop(characters.next()),
            _ => {}
        }
    }
    outside && !octets.iter().any(|octet| is_control(*octet))
}

#[test]
fn damaged_bodies_are_read_as_a_naive_reader_does_however_they_arrive() {
    const EXTENSIONS: &[&str] = &["", "", "", ";a", ";a=b", "; a=\"b;\\\"c\"", ";\u{e9}"];
    const TRAILERS: &[&str] = &["", "", "a: b\r\n", "a:\r\nX-B:\tc d\r\n"];
    let limits = ChunkLimits::from(&Limits::default());
    let mut generator = Generator::seeded(3);
    let mut complete = 0;
    for _ in 0..4_000 {
        let mut body = Vec::new();
        for _ in 0..generator.below(4) {
            let size = 1 + generator.below(20);
            let extension = generator.pick(EXTENSIONS);
            let zeros = "0".repeat(generator.below(3));
            body.extend_from_slice(format!("{zeros}{size:x}{extension}\r\n").as_bytes());
            body.extend((0..size).map(|_| b"\r\n0;a"[generator.below(5)]));
            body.extend_from_slice(b"\r\n");
        }
        let end = format!(
            "0{}\r\n{}\r\nGET /",
            generator.pick(EXTENSIONS),
            generator.pick(TRAILERS)
        );
        body.extend_from_slice(end.as_bytes());
        for _ in 0..generator.below(3) {
            generator.damage(&mut body);
        }
        let shown = body.escape_ascii();
        let found = read(&[&body], limits);
        let ended = found
            .clone()
            .ok()
            .and_then(|(data, taken)| Some((data, taken?)));
        complete += usize::from(ended.is_some());
        assert_eq!(ended, naive(&body), "{shown}");
        for pieces in ways(&body) {
            assert_eq!(read(&pieces, limits), found, "{shown}");
        }
    }
    assert!(complete > 1_000, "only {complete} bodies were whole");
}
