//! A fault at every octet of recorded exchanges, on every leg: what arrives, what the
//! proxy holds afterwards, and whether a faulty proxy would be found out.

mod every_octet;
mod leaks;
mod teeth;
