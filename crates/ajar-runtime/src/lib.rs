//! The engine of Ajar: runs the effects of attempts, hosted by one process and attached to by others
