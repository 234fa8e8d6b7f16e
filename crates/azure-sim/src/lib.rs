//! A local Azure over HTTPS: JIT policies, VMs with real sockets behind a guard, Entra tokens
