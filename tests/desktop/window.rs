//! What the window says, to the eye and to the ear: its text, its countdown, its width, its colours.

use std::time::Duration;

use crate::desk::Desk;
use crate::{QUIET, says, says_time_left, time_in};

/// What the row of web-01 says and how much of its arc is left, out of 100.
const ROW: &str = r"
    const row = [...document.querySelectorAll('[role=row]')].find((row) =>
        row.querySelector('.ring') && row.querySelector('.name').textContent === 'web-01');
    if (!row) return null;
    const arc = row.querySelector('circle.left');
    return {
        left: row.querySelector('.ring span').innerText,
        spoken: row.querySelector('.ring').getAttribute('aria-label'),
        facts: row.querySelector('.facts').innerText,
        arc: arc ? parseFloat(getComputedStyle(arc).strokeDasharray) : 0,
    };";

/// Presses the button that has Ajar ask Azure, once it is there.
const REFRESH: &str = r"
    const refresh = [...document.querySelectorAll('footer button')].find((button) => button.title.startsWith('Look for'));
    refresh?.click();
    return refresh !== undefined;";

#[tokio::test]
async fn the_windows_countdown_says_what_the_tray_says_and_its_arc_shrinks_with_time() {
    let mut desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    tray.menu_when("web-01 is open", |lines| says(lines, |line| says_time_left(line, "web-01"))).await;
    let until = time_in(&desk.notifications.next().await.body);

    let window = desk.driven_window("Adwaita").await;
    for minutes_gone in [0, 60] {
        if minutes_gone > 0 {
            desk.advance(Duration::from_mins(minutes_gone)).await;
        }
        // Ajar hears of Azure's time when it asks for something.
        window.run_until("Azure can be asked anew", REFRESH).await;
        let most = 180 - u32::try_from(minutes_gone).expect("an hour");
        let is_left = |line: &str| minutes_left(line).filter(|left| (most - 10..=most).contains(left));
        let lines = tray.menu_when("web-01 is open", |lines| says(lines, |line| is_left(line).is_some())).await;
        let left = lines.iter().find_map(|line| is_left(&line.label)).expect("it was there just now");
        // A minute may pass between two looks.
        let shown = [left, left - 1].map(|left| format!("{}:{:02}", left / 60, left % 60));
        let wanted =
            format!("const row = (() => {{ {ROW} }})(); return row && {shown:?}.includes(row.left) ? row : null;");
        let row = window.run_until(&format!("the window says that {shown:?} is left"), &wanted).await;
        let left = if row["left"] == shown[0] { left } else { left - 1 };
        let hour = ["", "1 hour ", "2 hours "][usize::try_from(left / 60).expect("three hours at most")];
        assert_eq!(row["spoken"], format!("{hour}{} minutes left", left % 60), "{row}");
        assert!(row["facts"].as_str().is_some_and(|facts| facts.contains("until ") && facts.contains(&until)), "{row}");
        let share = f64::from(left) / 1.8;
        let drawn = format!("const {{ arc }} = (() => {{ {ROW} }})(); return Math.abs(arc - {share}) < 2;");
        window.run_until(&format!("the arc is at {share} of 100"), &drawn).await;
    }
    window.close().await;
    tray.quit().await;
}

/// The minutes in “web-01 · 2:59 left” or “web-01 · 59 min left”.
fn minutes_left(line: &str) -> Option<u32> {
    let time = line.strip_prefix("web-01 · ")?.strip_suffix(" left")?;
    match (time.split_once(':'), time.strip_suffix(" min")) {
        (Some((hours, minutes)), _) => Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?),
        (None, minutes) => minutes?.parse().ok(),
    }
}

/// The rules of accessibility, those for the eye included: axe-core, as the window's own tests use it.
pub(crate) fn axe() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(path).expect("`npm ci` has been run in ui")
}

/// What sticks out of the window or out of what holds it, as far as it is to be seen; and acts of a dialog that are not in sight.
pub(crate) const CUT: &str = r"
    const wide = document.documentElement.clientWidth;
    const seen = (element) => element.checkVisibility({ opacityProperty: true }) && !element.closest('.unseen, .acts');
    const out = [...document.querySelectorAll('button, p, h2, h3, input, .ring, .chip')].filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return seen(element) && (left < 0 || right > wide + 0.5);
    });
    const below = [...document.querySelectorAll('dialog[open] .button-row:last-child button')].filter(
        (button) => button.getBoundingClientRect().bottom > document.documentElement.clientHeight);
    const main = document.querySelector('main');
    const facts = [...document.querySelectorAll('.facts, .headline, .ended p')].filter(
        (element) => element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
    return {
        wide,
        out: [...out, ...below, ...facts].map(({ outerHTML }) => outerHTML.slice(0, 200)),
        scrolls: main.scrollWidth > main.clientWidth
            || document.documentElement.scrollHeight > document.documentElement.clientHeight,
    };";

/// Turns to the history, and tells whether what was opened stands there, and what failed.
const HISTORY: &str = r"
    if (!document.querySelector('.find')) document.querySelector('footer button[aria-label=History]').click();
    const results = [...document.querySelectorAll('[role=row] .result')].map((result) => result.textContent);
    return results.some((text) => text.startsWith('opened')) && results.some((text) => text.startsWith('failed'));";

#[tokio::test]
async fn the_window_is_whole_and_to_be_read_when_narrow_light_and_dark() {
    let (axe, desk) = (axe(), Desk::set_up().await);
    let mut tray = desk.start_tray(&[]).await;
    tray.click("web-01").await;
    tray.menu_when("web-01 is open", |lines| says(lines, |line| says_time_left(line, "web-01"))).await;
    tray.click("legacy-box").await;
    for theme in ["Adwaita", "Adwaita:dark"] {
        let window = desk.driven_window(theme).await;
        window
            .run_until(
                "what is open and what failed is shown",
                "return document.querySelector('.ring') && document.querySelector('article')",
            )
            .await;
        let dark = window.run("return matchMedia('(prefers-color-scheme: dark)').matches").await;
        assert_eq!(dark, theme.ends_with("dark"));
        for width in [320, 460] {
            window.resize(width, 760).await;
            let fits = format!("return document.documentElement.clientWidth === {width}");
            window.run_until(&format!("the window is {width} wide"), &fits).await;
            for page in ["window", "history"] {
                if page == "history" {
                    window.run_until("the history tells of both", HISTORY).await;
                }
                window.save(&format!("{page}-{width}-{}", if dark == true { "dark" } else { "light" })).await;
                let cut = window.run(CUT).await;
                assert_eq!(cut, serde_json::json!({ "wide": width, "out": [], "scrolls": false }), "{theme}, {page}");
                let judged = format!(
                    "{axe}; return axe.run(document).then(({{ violations }}) => \
                     violations.flatMap(({{ id, nodes }}) => nodes.map(({{ html, failureSummary }}) => [id, html, failureSummary])));"
                );
                assert_eq!(window.run(&judged).await, serde_json::json!([]), "{page}, {theme} at {width}");
            }
            window.run("document.querySelector('button[aria-label=Back]').click()").await;
        }
        window.close().await;
    }
    tray.quit().await;
}

/// What is wrong, as the window says it.
const WRONG: &str = "return document.querySelector('[role=alert]')?.innerText;";

#[tokio::test]
async fn a_start_for_another_cloud_than_the_one_that_runs_is_refused_in_words() {
    let desk = Desk::set_up().await;
    let mut tray = desk.start_tray(&[]).await;
    let window = desk.driven_start_for_another_cloud().await;
    let text = window.run_until("the window says why", WRONG).await;
    window.save("other-cloud").await;
    for words in ["Ajar is already running for the cloud “demo”.", "and not in “usgov”, as long as it runs"] {
        assert!(text.as_str().is_some_and(|text| text.contains(words)), "no {words} in {text}");
    }
    assert!(tokio::time::timeout(QUIET, desk.tray_host.next_item()).await.is_err(), "a second tray came up");
    window.close().await;
    tray.quit().await;
}
