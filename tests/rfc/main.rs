//! The proxy by the clauses of RFC 9112 and RFC 9110: a file a section, a clause a test.
//!
//! The doc comment of a test has the clause: as a block quotation where it is the RFC's
//! own text, in plain words where it is a paraphrase or our choice among what the RFC
//! leaves open. docs/CONFORMANCE.md lists them; the target `tidy` holds it to this.

mod rfc9112_s11;
mod rfc9112_s2_2;
mod rfc9112_s2_3;
mod rfc9112_s3;
mod rfc9112_s3_2;
mod rfc9112_s4;
mod rfc9112_s5_1;
mod rfc9112_s5_2;
mod rfc9112_s6_1;
mod rfc9112_s6_2;
mod rfc9112_s6_3;
mod rfc9112_s7_1;
mod rfc9112_s8;
mod rfc9112_s9;

mod rfc9110_s10;
mod rfc9110_s15_2;
mod rfc9110_s5;
mod rfc9110_s6_6_1;
mod rfc9110_s7_2;
mod rfc9110_s7_6;
mod rfc9110_s7_7;
mod rfc9110_s7_8;
mod rfc9110_s8_6;
mod rfc9110_s9_2_2;
mod rfc9110_s9_3;

use harness::support;
