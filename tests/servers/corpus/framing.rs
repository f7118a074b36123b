//! Content-Length and Transfer-Encoding against each other, against themselves, in disguise.

use super::Fate::{Ends, Forwarded, Refused};
use super::{Corpus, SMUGGLED, head, post, sized};

const CL_TE: &[&str] = &[
    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 45\r\ntransfer-encoding: chunked\r\n",
    "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 6\r\nConnection: content-length\r\nTransfer-Encoding: chunked\r\n",
];

const TE_CL: &[&str] = &[
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "Transfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n",
    "Transfer-Encoding: identity\r\nContent-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\nContent-Length: 3\r\n",
];

const TE_TE: &[&str] = &[
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked-x\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\t: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity, chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, gzip\r\n",
    "Transfer-Encoding: chunked;q=1\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding: 'chunked'\r\n",
    "Transfer-Encoding: chunked chunked\r\n",
    "Transfer-Encoding: chun\tked\r\n",
    "Transfer-Encoding: chunked,\u{b}\r\n",
    "Transfer-Encoding:\u{b}chunked\r\n",
    "Transfer-Encoding: chunked\u{c}\r\n",
    "Transfer-Encoding: \0chunked\r\n",
    " Transfer-Encoding: chunked\r\n",
    "X: y\nTransfer-Encoding: chunked\r\n",
    "X: y\rTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding\r\n: chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "Transfer-Encoding: chu\rnked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding:\r\n",
];

const CL_CL: &[&str] = &[
    "Content-Length: 0\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 0\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nX: y\r\nContent-Length:\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 5, 0\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: -5\r\n",
    "Content-Length: -0\r\n",
    "Content-Length: 05\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5.0\r\n",
    "Content-Length: 5e0\r\n",
    "Content-Length: 5 5\r\n",
    "Content-Length: \"5\"\r\n",
    "Content-Length: five\r\n",
    "Content-Length: 5\u{b}\r\n",
    "Content-Length: 1_0\r\n",
    "Content-Length:\r\n",
    "Content-Length : 5\r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Content-Length: 4294967301\0\r\n",
];

const ZERO_CL: &[&str] = &[
    "Content-Length\t: 42\r\n",
    " Content-Length: 42\r\n",
    "X: y\nContent-Length: 42\r\n",
    "X: y\rContent-Length: 42\r\n",
    "X: y\r\n Content-Length: 42\r\n",
    "Content-Length:\r\n 42\r\n",
    "\u{b}Content-Length: 42\r\n",
    "Content-Length\0: 42\r\n",
    "\u{a0}Content-Length: 42\r\n",
];

const LOOK_ALIKES: &[&str] = &[
    "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content_Length: 0\r\nContent-Length: 5\r\n",
    "Transfer.Encoding: chunked\r\nContent-Length: 5\r\n",
    "X-Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content-Lengths: 0\r\nContent-Length: 5\r\n",
    "X-Content-Length: 0\r\nContent-Length: 5\r\n",
    "Content-Encoding: chunked\r\nContent-Length: 5\r\n",
    "TE: chunked\r\nContent-Length: 5\r\n",
    "X: a\u{85}Content-Length: 0\r\nContent-Length: 5\r\n",
    "X: Content-Length: 0\r\nContent-Length: 5\r\n",
    "CONTENT-LENGTH: 5\r\n",
    "Content-Length:5\r\n",
    "Content-Length: \t 5 \t\r\n",
];

pub(super) fn add(corpus: &mut Corpus) {
    corpus.refused_posts("CL.TE", CL_TE, "0\r\n\r\nG");
    corpus.refused_posts("TE.CL", TE_CL, "1\r\nZ\r\n0\r\n\r\n");
    corpus.refused_posts("TE.TE", TE_TE, "0\r\n\r\n");
    corpus.refused_posts("CL.CL", CL_CL, "hello");
    corpus.refused_posts("0.CL", ZERO_CL, "");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        corpus.passes("CL.0", sized(method, SMUGGLED));
        let fields = format!(
            "Connection: content-length\r\nContent-Length: {}\r\n",
            SMUGGLED.len()
        );
        corpus.passes("0.CL", head(method, "/api/named", &fields) + SMUGGLED);
    }
    for fields in LOOK_ALIKES {
        corpus.passes("look-alikes", post(fields, "0\r\n\r\n"));
    }
    old_versions(corpus);
}

fn old_versions(corpus: &mut Corpus) {
    for fields in ["Transfer-Encoding: chunked\r\n", CL_TE[0], TE_CL[0]] {
        let octets = format!("POST /api/x HTTP/1.0\r\nHost: a\r\n{fields}\r\n0\r\n\r\n");
        corpus.refused("framing in 1.0", octets + SMUGGLED);
    }
    let old = "POST /api/x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello";
    let fates = [Forwarded("POST"), Ends];
    corpus.add("framing in 1.0", old.to_owned() + SMUGGLED, &fates);
    let old = "POST /api/x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";
    corpus.passes("framing in 1.0", old);
    for version in ["0.9", "1.2", "2.0", "1.10", "11", "1.1.1", "1.", "1.1 "] {
        let octets = format!("GET /api/x HTTP/{version}\r\nHost: a\r\n\r\n");
        corpus.refused("versions", octets + SMUGGLED);
    }
    for line in ["GET /api/x", "GET /api/x http/1.1", "GET /api/x ICY/1.1"] {
        let octets = format!("{line}\r\nHost: a\r\n\r\n");
        corpus.add("versions", octets + SMUGGLED, &[Refused, Ends]);
    }
}
