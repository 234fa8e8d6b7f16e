//! The favourites of teams, among those that are somebody's own.

use std::collections::HashSet;

use super::TeamName;
use crate::account::Defaults;
use crate::exchange::plan::{Candidate, unfit};
use crate::exchange::{Entry, LeftOut, Sharing, Why};
use crate::failure::Failure;
use crate::folders::folder_path;
use crate::inheritance::{Effective, Inheritable, Origin};
use crate::profile::{Profile, ProfileName};
use crate::settings::Settings;

/// A favourite of a team's. It lies in the folder that is called as the team is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFavourite {
    /// The team.
    pub team: TeamName,
    /// What its file calls it.
    pub called: ProfileName,
    /// What it is called here: with the team’s name in front, as in `ops.web-01`.
    pub name: ProfileName,
    /// How it is opened, with what the settings say beside the team.
    pub effective: Effective,
}

impl TeamFavourite {
    /// What it would say as somebody's own: what holds of it because the team says so, or because of the team's folder, which
    /// it does not lie in any more.
    pub fn as_own(&self) -> Profile {
        let Effective { profile, origins } = &self.effective;
        let mut said = Inheritable::of(profile);
        let is_kept = |origin: &Origin| matches!(origin, Origin::Team { .. } | Origin::Folder { .. });
        for (field, _) in origins.iter().filter(|(_, origin)| !is_kept(origin)) {
            field.take_out_of(&mut said);
        }
        let within = profile.folder.as_deref().map(folder_path).unwrap_or_default();
        let folder = within.get(1..).map(|within| within.join("/")).filter(|folder| !folder.is_empty());
        Profile { note: profile.note.clone(), folder, ..said.of_vm(profile.vm.clone()) }
    }
}

/// What the file of a team says.
#[derive(Clone, Copy, Debug)]
pub struct TeamFile<'f> {
    /// The team.
    pub team: &'f TeamName,
    /// What can be favourites, in the file's order.
    pub entries: &'f [Entry],
}

/// What of a team's file is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFlaws {
    /// The team.
    pub team: TeamName,
    /// What, and why.
    pub left_out: Vec<LeftOut>,
}

/// The favourites of teams as one who has these settings means them, and what of them is not taken in, team by team.
///
/// They are judged as what is imported from others. Each is called by its team's name and the file's, as in `ops.web-01`,
/// whatever else there is: so what a name leads to hangs on one file alone. One whose name somebody's own has is left out.
pub fn of_teams<'f>(
    files: impl IntoIterator<Item = TeamFile<'f>>,
    settings: &Settings,
    defaults: &Defaults,
) -> (Vec<TeamFavourite>, Vec<TeamFlaws>) {
    let mut taken: HashSet<String> = settings.written.iter().map(|own| key(&own.name)).collect();
    let (mut favourites, mut flaws) = (Vec::new(), Vec::new());
    for TeamFile { team, entries } in files {
        let mut left_out = Vec::new();
        for entry in entries {
            // A host of another program stands in no file of ours.
            let Entry::Favourite { name: called, profile } = entry else { continue };
            let judged = named(team, called, &taken)
                .and_then(|name| Ok((name, judged(team, called, profile, settings, defaults)?)));
            match judged {
                Ok((name, (effective, without))) => {
                    left_out.extend(without);
                    taken.insert(key(&name));
                    favourites.push(TeamFavourite { team: team.clone(), called: called.clone(), name, effective });
                }
                Err(unfit) => left_out.push(unfit),
            }
        }
        flaws.push(TeamFlaws { team: team.clone(), left_out });
    }
    (favourites, flaws)
}

/// How a favourite is opened, and what of it is left out; or why all of it is.
fn judged(
    team: &TeamName,
    name: &ProfileName,
    profile: &Profile,
    settings: &Settings,
    defaults: &Defaults,
) -> Result<(Effective, Vec<LeftOut>), LeftOut> {
    let within = profile.folder.as_deref().map(folder_path).unwrap_or_default();
    let folder = [&[team.as_str()], &within[..]].concat().join("/");
    let placed = Profile { folder: Some(folder), ..profile.clone() };
    let (Candidate { profile: said, .. }, left_out) =
        Candidate::shared(name.clone(), placed, Sharing::WithOthers, settings, defaults);
    let effective = settings.inheritance.effective_of_team(team, &said);
    if let Some(failure) = unfit(name, &effective.profile, settings, defaults) {
        return Err(LeftOut { what: name.to_string(), line: None, why: Why::Unfit(Box::new(failure)) });
    }
    Ok((effective, left_out))
}

/// What it is called here, or why it cannot be.
fn named(team: &TeamName, called: &ProfileName, taken: &HashSet<String>) -> Result<ProfileName, LeftOut> {
    let left_out = |why| LeftOut { what: called.to_string(), line: None, why };
    let name = format!("{team}.{called}");
    let name: ProfileName = name.parse().map_err(|_| left_out(Why::Value(name.clone())))?;
    if taken.contains(&key(&name)) {
        return Err(left_out(Why::Unfit(Box::new(Failure::FavouriteExists { name: name.to_string() }))));
    }
    Ok(name)
}

fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
