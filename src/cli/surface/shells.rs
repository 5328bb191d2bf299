//! Completion scripts: those of bash, zsh and fish ask the program, so that they know names,
//! versions, publishers, rules and peers; those of other shells know commands and options.

use clap_complete::Shell;

use crate::cli::surface;
use crate::cli::surface::PROGRAM;

/// Bash divides words at `:`, `=` and `@` too, and replaces what stands behind the last of them.
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

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => BASH.into(),
        Shell::Zsh => ZSH.into(),
        Shell::Fish => FISH.into(),
        other => {
            let mut script = Vec::new();
            clap_complete::generate(other, &mut surface::command(), PROGRAM, &mut script);
            script
        }
    }
}
