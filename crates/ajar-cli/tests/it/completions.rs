//! `ajar completions`.

use std::process::Command;

use crate::ajar;

fn completions(shell: &str) -> String {
    // A folder that cannot be made: no files of a user's are needed.
    let ended = ajar(std::path::Path::new("/dev/null/none"), &["completions", shell]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn each_shell_gets_words_of_its_own() {
    for (shell, part) in [
        ("bash", "complete -F _ajar"),
        ("zsh", "#compdef ajar"),
        ("fish", "complete -c ajar"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[ajar]"),
    ] {
        let script = completions(shell);
        assert!(script.contains(part) && script.contains("no-launch"), "{shell}: {script}");
    }
}

#[cfg(unix)]
#[test]
fn bash_reads_its_script_and_completes_commands_and_options_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ajar.bash");
    std::fs::write(&script, completions("bash")).unwrap();
    let read = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
    for (typed, offered) in
        [("con", "connect"), ("connect --no-l", "--no-launch"), ("status --w", "--watch"), ("completions b", "bash")]
    {
        let line = format!(
            "source '{}'; COMP_WORDS=(ajar {typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _ajar ajar \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[*]}}\"",
            script.display()
        );
        let done = Command::new("bash").args(["--norc", "--noprofile", "-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap().trim(), offered, "ajar {typed}");
    }
}
