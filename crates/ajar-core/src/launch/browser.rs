//! Opening the browser.

use super::{LaunchPlan, Os};

/// What opens an address in the user's browser: the settings' own words, with the address behind them, else what the
/// system has for it.
pub fn browser_plan(os: Os, own: Option<&[String]>, url: &str) -> LaunchPlan {
    let (program, args): (&str, &[String]) = match own.and_then(<[String]>::split_first) {
        Some((program, args)) => (program, args),
        None => match os {
            Os::Linux => ("xdg-open", &[]),
            Os::MacOs => ("open", &[]),
            // Not `start`, which is the shell's: addresses have `&` in them.
            Os::Windows => ("rundll32.exe", &[]),
        },
    };
    let handler = (program == "rundll32.exe" && own.is_none()).then(|| "url.dll,FileProtocolHandler".to_owned());
    let args = args.iter().cloned().chain(handler).chain([url.to_owned()]).collect();
    LaunchPlan::window(os, program, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_argument_of_what_opens_it() {
        let url = "https://login.example/authorize?a=1&b=$(x)";
        let words = |os, own: Option<&[String]>| {
            let plan = browser_plan(os, own, url);
            std::iter::once(plan.program).chain(plan.args).collect::<Vec<_>>()
        };
        assert_eq!(words(Os::Linux, None), ["xdg-open", url]);
        assert_eq!(words(Os::MacOs, None), ["open", url]);
        assert_eq!(words(Os::Windows, None), ["rundll32.exe", "url.dll,FileProtocolHandler", url]);
        let own = ["firefox".to_owned(), "--private-window".to_owned()];
        assert_eq!(words(Os::Linux, Some(&own)), ["firefox", "--private-window", url]);
        assert_eq!(words(Os::Linux, Some(&[])), ["xdg-open", url]);
    }
}
