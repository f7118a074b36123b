//! RFC 9112 §4, the status line.

use crate::support::{assert_own_answer, pair, sent_downstream};

/// > lenient parsing can result in response splitting security vulnerabilities if there
/// > are multiple recipients of the message and each has its own unique interpretation
/// > of robustness
///
/// The leniency is a MAY, and is not taken.
#[test]
fn only_a_single_space_separates_the_words() {
    let (upstream, proxy) = pair();
    for line in [
        "HTTP/1.1\t200 OK",
        "HTTP/1.1  200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 200\tOK",
    ] {
        let octets = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
}

/// > The status-code element is a 3-digit integer code
#[test]
fn a_status_has_three_digits() {
    let (upstream, proxy) = pair();
    for status in ["20", "2000", "+20", "0x2", "2 0"] {
        let octets = format!("HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
}

/// > or in accordance with the class of that status code when the specific code is
/// > unrecognized.
#[test]
fn an_unknown_status_is_forwarded() {
    let (upstream, proxy) = pair();
    for line in [
        "HTTP/1.1 299 Odd",
        "HTTP/1.1 418 I'm a teapot",
        "HTTP/1.1 599 Odd",
    ] {
        let octets = format!("{line}\r\nContent-Length: 2\r\n\r\nok");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_eq!(answer.head.start_line(), line);
        assert_eq!(answer.text(), "ok");
    }
}

/// > A server MUST send the space that separates the status-code from the reason-phrase
/// > even when the reason-phrase is absent
#[test]
fn a_status_line_without_a_phrase_keeps_its_space() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.start_line(), "HTTP/1.1 200 ");
}
