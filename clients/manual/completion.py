"""`argosy completion SHELL`: lets bash, zsh or fish complete commands, options, fields and words of filters."""

from __future__ import annotations

from clients.options import Option, parse_or_help
from topics.errors import UsageError
from topics.nearest import suggestion

USAGE = "argosy completion bash|zsh|fish"
SUMMARY = """Prints what a shell needs to complete argosy's commands, their options and the names of fields.
Put this into ~/.bashrc:  source <(argosy completion bash)"""
OPTIONS = (Option("-h --help", "", "this text"),)
BASH = """_argosy() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[1]}}" option="" index
    if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "{commands}" -- "$word")); return; fi
    for ((index = COMP_CWORD - 1; index > 1; index--)); do
        case "${{COMP_WORDS[index]}}" in -?*) option="${{COMP_WORDS[index]}}"; break ;; -) option="-"; break ;; esac
    done
    case "$option" in
        -s|-m) COMPREPLY=($(compgen -W "{fields}" -- "$word")) ;;
        -) COMPREPLY=($(compgen -W "{words}" -- "$word")) ;;
        *) case "$word" in
            -*) case "$command" in
{options}
                esac ;;
            *) COMPREPLY=($(compgen -f -- "$word")) ;;
        esac ;;
    esac
}}
complete -o filenames -F _argosy argosy"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
FISH = """complete -c argosy -f -n "__fish_use_subcommand" -a "{commands}"
complete -c argosy -n "__fish_contains_opt -s s; or __fish_contains_opt -s m" -a "{fields}"
"""


def run(arguments: list[str]) -> int:
    """Run the command; raises UsageError for an unknown shell."""
    parsed = parse_or_help(USAGE, SUMMARY, OPTIONS, arguments)
    if parsed is None:
        return 0
    shells = {"bash": BASH, "zsh": ZSH + BASH, "fish": FISH}
    name = parsed.expression
    if name not in shells:
        raise UsageError(f"unknown shell '{name}'{suggestion(name, shells) or '; give bash, zsh or fish'}")
    print(shells[name].format(**_words()))
    return 0


def _words() -> dict[str, str]:
    from clients.main import COMMANDS
    from topics.fields import fields
    from topics.filter.words import every_word

    options = [
        f'                {name}) COMPREPLY=($(compgen -W "{_options(name)}" -- "$word")) ;;' for name in COMMANDS
    ]
    return {
        "commands": " ".join(COMMANDS),
        "fields": " ".join(fields()),
        "words": " ".join(sorted(every_word())),
        "options": "\n".join(options),
    }


def _options(command: str) -> str:
    from clients.manual.pages import page

    return " ".join(page(command).options)
