//! Taking favourites in by the real window, and the system's own dialog for the file.

use std::path::Path;

use crate::desk::Desk;
use crate::driver::ENTER;
use crate::own_azure::APPLICATION;
use crate::screen::{Colour, Screen, Shot};
use crate::signing_in::{look, reads};

/// What GTK marks with the accent of Adwaita: what is selected, and the frame of what has the focus.
const ACCENT: Colour = Colour(0x35, 0x84, 0xe4);

/// Types a path into GTK's dialog. Its first letter makes a field come up that takes the others.
async fn choose(screen: &Screen, dialog: u32, file: &Path) {
    let path = file.display().to_string();
    let (first, others) = path.split_at(1);
    let shown = screen.shot_when(screen.root, "a place is selected", |shot| shot.count(ACCENT) > 1_000).await;
    screen.type_text(dialog, first);
    let framed = |shot: &Shot| shot.count(ACCENT) > shown.count(ACCENT) + 500;
    screen.shot_when(screen.root, "there is a field to type in", framed).await;
    screen.type_text(dialog, others);
    screen.press_enter(dialog);
}

#[tokio::test]
async fn a_file_is_chosen_in_the_systems_dialog_looked_at_taken_in_and_that_is_undone() {
    let desk = Desk::set_up().await;
    let own = desk.own_azure(&format!("[sign_in]\nclient_id = \"{APPLICATION}\"\n")).await;
    let file = own.folder.join("team.toml");
    let text = format!("ajar_export = 1\n[profiles.web]\nvm = {:?}\npassword = \"x\"\n", own.vm());
    std::fs::write(&file, text).expect("the file can be written");
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "Try it without Azure").await;
    window.tab_to("Settings").await;
    window.press(ENTER).await;
    reads(&window, "Take favourites in").await;
    window.tab_to("Import…").await;
    window.press(ENTER).await;
    let dialog = desk.screen.window_named("Import favourites into Ajar").await;
    choose(&desk.screen, dialog, &file).await;
    reads(&window, "team.toml: favourites of Ajar. 1 can be a favourite.").await;
    reads(&window, "What is left out").await;
    look(&window, "import").await;
    assert!(!own.settings().contains("[profiles."), "nothing is done yet: {}", own.settings());
    window.tab_to("Add 1").await;
    window.press(ENTER).await;
    reads(&window, "Added 1 favourite: web.").await;
    assert!(own.settings().contains("[profiles.web]"), "{}", own.settings());
    window.tab_to("Undo").await;
    window.press(ENTER).await;
    reads(&window, " · 0 favourites").await;
    assert!(!own.settings().contains("[profiles."), "{}", own.settings());
    window.close().await;
}

#[tokio::test]
async fn a_teams_favourites_are_shown_in_its_folder_and_the_settings_tell_how_its_file_stands() {
    let desk = Desk::set_up().await;
    let more = format!(
        "[sign_in]\nclient_id = \"{APPLICATION}\"\n[teams.ops]\nfrom = \"ops.toml\"\n[teams.away]\nfrom = \"/gone/away.toml\"\n"
    );
    let own = desk.own_azure(&more).await;
    let text = format!("ajar_export = 1\n[profiles.web]\nvm = {:?}\nfolder = \"Prod\"\naccount = \"x\"\n", own.vm());
    std::fs::write(own.folder.join("ops.toml"), text).expect("the file can be written");
    let window = desk.driven_window_of(&own, "Adwaita").await;
    reads(&window, "ops/Prod").await;
    window.tab_to("Settings").await;
    window.press(ENTER).await;
    reads(&window, "1 favourite · read at ").await;
    reads(&window, "/gone/away.toml: there is no such file. It has never been read").await;
    reads(&window, "1 thing to know of its file").await;
    window.run("document.querySelector('details').scrollIntoView()").await;
    look(&window, "teams").await;
    window.close().await;
}
