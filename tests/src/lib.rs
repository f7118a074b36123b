//! What the black-box tests share.

pub mod answer;
pub mod origin;
pub mod received;
pub mod wiretap;
