//! One engine, many faces. The first process that needs the engine hosts it; every other attaches by a local socket;
//! when the host goes away, one of the attached takes over by observing.

mod address;
mod attached;
mod election;
mod face;
mod following;
mod serving;

pub use face::{Arriving, Face, MakeParts, Opening};
pub use following::Following;
