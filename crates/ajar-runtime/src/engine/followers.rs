//! Whom an attempt is for: the faces that asked for it and are still there.

use ajar_core::port::Protocol;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Launch;

/// A face of this engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FaceId(pub(super) u64);

/// One that asked for an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Follower {
    /// The face that takes its wish along when it goes; none for a click, which stays until it is cancelled.
    pub(super) face: Option<FaceId>,
    /// The favourite it asked for: several may lead to one port.
    pub(super) name: ProfileName,
    /// Which clients it wants the engine to start.
    pub(super) launch: Launch,
}

/// All of an attempt. With the last the attempt has lost its purpose.
#[derive(Clone, Debug, Default)]
pub(super) struct Followers(Vec<Follower>);

impl Followers {
    pub(super) fn add(&mut self, follower: Follower) {
        if !self.0.contains(&follower) {
            self.0.push(follower);
        }
    }

    /// Lets a face go, or the wish it had for one favourite; whether there was something to let go of.
    pub(super) fn leave(&mut self, face: FaceId, name: Option<&ProfileName>) -> bool {
        let before = self.0.len();
        let leaves =
            |follower: &Follower| follower.face == Some(face) && name.is_none_or(|name| follower.name == *name);
        self.0.retain(|follower| !leaves(follower));
        self.0.len() < before
    }

    /// Whether somebody asked for it by this favourite.
    pub(super) fn asked_by(&self, name: &ProfileName) -> bool {
        self.0.iter().any(|follower| follower.name == *name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn want_launch(&self, protocol: Protocol) -> bool {
        self.0.iter().any(|follower| follower.launch.is_for(protocol))
    }
}
