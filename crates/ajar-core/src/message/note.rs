//! The words of notes: what was not done as wished.

use super::{moment, spoken};
use crate::attempt::{Note, Wish};
use crate::policy::Clamp;
use crate::zone::Zone;

/// A note in words.
pub fn note(note: &Note, zone: Zone) -> String {
    match note {
        Note::Clamped(Clamp::Rule(max)) => {
            format!("The policy allows {} at most, so that is what was asked for.", spoken(*max))
        }
        Note::Clamped(Clamp::Usual(max)) => {
            format!("How long the policy allows could not be read. {} were asked for, as most allow.", spoken(*max))
        }
        Note::Raised(min) => format!("No policy allows less than {}, so that is what was asked for.", spoken(*min)),
        Note::CameLater(wishes) => {
            format!("It was being opened already, so this later wish was not taken up: {}.", list(wishes))
        }
        Note::NotNeeded { open_until: Some(end), wishes } => {
            let end = moment(*end, zone);
            format!("It is open already until {end}, so nothing was asked for. Not taken up: {}.", list(wishes))
        }
        Note::NotNeeded { open_until: None, wishes } => {
            format!("The port answered already, so nothing was asked for. Not taken up: {}.", list(wishes))
        }
        Note::SystemUntold { port } => format!(
            "What runs on the VM could not be found out, so it is opened by SSH at port {port}. If that is wrong, say in its settings what it is opened by."
        ),
        Note::AnswerToCome => {
            "The port answered while access was being requested. What Azure grants shows among the open windows.".into()
        }
    }
}

fn list(wishes: &[Wish]) -> String {
    let one = |wish: &Wish| match wish {
        Wish::Access(access) => format!("access for {}", spoken(*access)),
        Wish::Reason(_) => "the reason".into(),
        Wish::Source(address) => format!("the address {address}"),
    };
    wishes.iter().map(one).collect::<Vec<_>>().join(", ")
}
