//! The engine under paused time with a world of fakes, faces over the real local socket, adapters on the real system.

mod adapters;
mod child;
mod engine;
mod hosting;
mod programs;
mod simulated;
mod world;
