//! The simulator over the wire: real HTTPS, real sockets, the real `ssh`.

mod client;
mod control;
mod entra;
mod guest;
mod jit;
mod power;
mod rights;
