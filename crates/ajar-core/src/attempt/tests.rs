//! The rules of an attempt, each by a script or a table; and random orders of everything.

mod access;
mod bastion;
mod deadlines;
mod door;
mod endings;
mod extending;
mod late_policies;
mod moving;
mod notes;
mod paths;
mod private_way;
mod random;
mod script;
mod unanswered;
mod wishes;
