//! Completion scripts. Those of bash, zsh and fish ask the program, so that they complete names of
//! datasets, publishers, rules and peers. Scripts of other shells complete commands and options.

use clap::Command;
use clap_complete::Shell;

use crate::cli::surface::PROGRAM;

/// Bash divides words at `:`, `=` and `@` too, and replaces only the text behind the last of them.
const BASH: &str = r#"# Completions of alimentar for bash: source this file.
_alimentar() {
    local line="${COMP_LINE:0:COMP_POINT}" words cur before
    read -r -a words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    cur="${words[${#words[@]}-1]}"
    before="${cur%"${cur##*[:=@]}"}"
    mapfile -t COMPREPLY < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o bashdefault -o default -F _alimentar alimentar
"#;

const ZSH: &str = r#"#compdef alimentar
_alimentar() {
    local -a found
    found=("${(@f)$("$words[1]" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found[1]" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
if [[ "$funcstack[1]" == "_alimentar" ]]; then
    _alimentar "$@"
else
    compdef _alimentar alimentar
fi
"#;

const FISH: &str = r#"# Completions of alimentar for fish.
complete -c alimentar -a '(alimentar complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"#;

/// The script for a shell. `program` is the whole command line.
pub(crate) fn completion_script(shell: Shell, program: &mut Command) -> Vec<u8> {
    match shell {
        Shell::Bash => BASH.into(),
        Shell::Zsh => ZSH.into(),
        Shell::Fish => FISH.into(),
        other => {
            let mut script = Vec::new();
            clap_complete::generate(other, program, PROGRAM, &mut script);
            script
        }
    }
}
