//! RFC 9110 §6.6.1, Date.

use crate::support::{OK, pair, sent_downstream};

/// > A recipient with a clock that receives a response message without a Date header
/// > field MUST record the time it was received and append a corresponding Date header
/// > field to the message's header section if it is cached or forwarded downstream.
#[test]
fn a_missing_date_is_appended_and_one_that_came_is_kept() {
    let (upstream, proxy) = pair();
    let answer = sent_downstream(&proxy, &upstream, "GET", OK);
    let date = answer.head.one("date").expect("a date");
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    let octets =
        "HTTP/1.1 200 OK\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.all("date"), ["Tue, 15 Nov 1994 08:12:31 GMT"]);
}
