//! Deploy keys against a forge's API as it is documented, and on its bad days: what is
//! registered is revoked, or is known to be there and told.

mod killed;
mod lives;
mod lost;
mod refusals;
mod rig;
mod stranded;
mod tls;
