//! The chunked coding: sizes, extensions, line ends, trailers.

use super::{Corpus, SMUGGLED, chunked, head};

/// Each is faulty before its last chunk, so that the service never sees a whole request.
const SIZES: &[&str] = &[
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "5 5\r\nhello\r\n0\r\n\r\n",
    "0_5\r\nhello\r\n0\r\n\r\n",
    "5g\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    "5\u{b}\r\nhello\r\n0\r\n\r\n",
    "5\0\r\nhello\r\n0\r\n\r\n",
    "10000000000000000\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "100000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "4\r\nhello\r\n0\r\n\r\n",
    "6\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "0x0\r\n\r\n",
    "-0\r\n\r\n",
    "zero\r\n\r\n",
];

const EXTENSIONS: &[&str] = &[
    "5;\nhello\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "5;a\rhello\r\n0\r\n\r\n",
    "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\nhello\r\n0\r\n\r\n",
    "5;a\0\r\nhello\r\n0\r\n\r\n",
    "5 ;a\r\nhello\r\n0\r\n\r\n",
    "5,a\r\nhello\r\n0\r\n\r\n",
    "5;a\n2c\r\nhello\r\n0\r\n\r\n",
    "0;a\n\r\n",
    "0;\n\r\n",
];

const LINE_ENDS: &[&str] = &[
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\nhello\n0\n\n",
    "0\n\r\n",
    "0\r\n\n",
    "0\n\n",
    "0\r\r\n\r\n",
];

const TRAILERS: &[&str] = &[
    "0\r\nno colon\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
    "0\r\n X: y\r\n\r\n",
    "0\r\nX: a\rb\r\n\r\n",
    "0\r\nX: a\nY: b\r\n\r\n",
    "0\r\nX: a\0\r\n\r\n",
    "0\r\nX: a\r\n b\r\n\r\n",
    "0\r\nX: a\n\r\n",
    "0\r\nGET /api/evil HTTP/1.1\r\n\r\n",
];

/// Odd, and within the grammar.
const PASSING: &[&str] = &[
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a\r\nhello\r\n0\r\n\r\n",
    "5;a=b;c=\"d;e\"\r\nhello\r\n0;last=1\r\n\r\n",
    "5;a=\"2c; \\\" 0\"\r\nhello\r\n0\r\n\r\n",
    "A\r\n0123456789\r\n0\r\n\r\n",
    "00a\r\n0123456789\r\n000\r\n\r\n",
    "000000000000000A\r\n0123456789\r\n0\r\n\r\n",
    "1\r\n0\r\n1\r\n\r\r\n1\r\n\n\r\n2\r\n\r\n\r\n0\r\n\r\n",
    "1;a\r\nx\r\n1; b = \"; \\\" c\"\r\ny\r\n0;d\r\n\r\n",
    "4\r\n0000\r\n0\r\n\r\n",
    "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n",
];

const PASSING_TRAILERS: &[&str] = &[
    "0\r\nX-Sum: 1\r\n\r\n",
    "0\r\nContent-Length: 42\r\nTransfer-Encoding: chunked\r\n\r\n",
    "0\r\nHost: evil\r\nAuthorization: evil\r\nConnection: close\r\n\r\n",
    "0\r\nX:\r\n\r\n",
];

pub(super) fn add(corpus: &mut Corpus) {
    let families = [
        ("chunk sizes", SIZES),
        ("chunk extensions", EXTENSIONS),
        ("bare LF or CR in chunks", LINE_ENDS),
        ("trailers", TRAILERS),
    ];
    for (family, bodies) in families {
        for body in bodies {
            corpus.refused(family, chunked("POST", body) + SMUGGLED);
        }
    }
    let endless = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(20_000));
    corpus.refused("chunk extensions", chunked("POST", &endless) + SMUGGLED);
    let endless = format!("0\r\nX: {}\r\n\r\n", "y".repeat(40_000));
    corpus.refused("trailers", chunked("POST", &endless) + SMUGGLED);
    for body in PASSING {
        corpus.passes("chunks that pass", chunked("POST", body));
    }
    let inner = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        corpus.passes("chunks that pass", chunked(method, &inner));
    }
    for body in PASSING_TRAILERS {
        corpus.passes("trailers", chunked("POST", body));
        let fields = "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n";
        corpus.passes("trailers", head("POST", "/api/trailer", fields) + body);
    }
    for body in [
        "",
        "5",
        "5\r",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r\n0\r\n",
        "0\r\n\r",
    ] {
        corpus.cut("truncation", chunked("POST", body));
    }
}
