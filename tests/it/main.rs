//! End to end.

mod architecture;
