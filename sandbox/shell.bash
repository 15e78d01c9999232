# The shell integration of the box's panes: prompt marks, and the launcher that runs an action once.
#
#   bash shell.bash --pane           runs the pane's shell, and says when it ended
#   bash --rcfile shell.bash -i      that shell
#   bash shell.bash --log PID        keeps a shell's output in /run/pocketcoder/log (bounded)
#
# The relay writes an action's bytes to /run/pocketcoder/in/ID, reads them back, and then types
#
#    __pc_next=ID;\. "$__pc"
#
# which sources run.bash: it claims the action, sources its file and marks its end. Nothing here
# starts a program: a fork costs more than the rest.
#
# Marks are OSC 133: A and B around the prompt, C;ID and D;STATUS;ID;CWD around an action, a bare
# C for a line that a person typed, P the probe's answer, X the shell's end. They go to /dev/tty, so `exec >file` cannot hide them.

if [[ ${1-} == --pane ]]; then
    # tmux (3.3a, with libutempter) can miss the end of a pane's program; this mark is the hint to
    # look again. The program's status is this one's, so tmux keeps it for the relay.
    # Its own word about a killed shell goes nowhere: it is no output of the command's.
    exec 3>&2 2>/dev/null
    /bin/bash --noprofile --rcfile /opt/pocketcoder/shell.bash -i 2>&3 3>&-
    status=$?
    printf '\e]133;X\a'
    exit "$status"
fi
if [[ ${1-} == --log ]]; then
    # Pieces of 1 MiB; the newest five stay, and of earlier shells' logs the newest fifteen files.
    # `cat` writes what it reads at once.
    cd /run/pocketcoder/log || exit
    ls -t | tail -n +16 | xargs -r rm -f --
    export SHELL=/bin/bash
    exec split -b 1M -a 6 -d --filter='exec /bin/bash /opt/pocketcoder/shell.bash --keep "$FILE"' - "${2:?}."
fi
if [[ ${1-} == --keep ]]; then
    number=$((10#${2##*.} - 4))
    ((number >= 0)) && printf -v old '%s.%06d' "${2%.*}" "$number" && rm -f -- "$old"
    exec cat >"$2"
fi
[[ $- == *i* ]] || return 0

umask 022
unset HISTFILE
HISTCONTROL=ignoreboth
shopt -s checkwinsize
__pc_home=/run/pocketcoder
__pc_in=/dev/null
__pc_id=
__pc_last=0
__pc=/opt/pocketcoder/run.bash
readonly __pc_home __pc

# Claim the action, show its text to whoever is attached, and mark the start. Returns the status of
# the command before it, so that `echo $?` means what it means in any terminal.
__pc_run() {
    \builtin local "__pc_flags=$-" __pc_text= __pc_up= -
    \builtin set +vxeuf
    __pc_in=/dev/null __pc_id=
    [[ $1 == *[!0-9a-f]* || ${#1} -ne 32 ]] && \builtin return 2
    # noclobber opens with O_EXCL: of two deliveries one gets the claim.
    \builtin set -C
    if ! { \builtin printf 'start %s %s .\n' "$EPOCHREALTIME" "$PPID" >"$__pc_home/claims/$1"; } 2>/dev/null; then
        \builtin printf 'pocketcoder: %s was claimed before; it does not run again\n' "$1" >/dev/tty
        \builtin return 2
    fi
    \builtin set +C
    __pc_id=$1 __pc_in=$__pc_home/in/$1
    IFS= \builtin read -r -N 2000 __pc_text <"$__pc_in"
    ((${#__pc_text} < 2000)) || __pc_text+=' …'
    __pc_text=${__pc_text//[$'\r\v\f']/}
    __pc_text=${__pc_text%$'\n'}
    [[ $__pc_text != *[![:print:]$'\n\t']* ]] || __pc_text=${__pc_text//[![:print:]$'\n\t']/?}
    # ESC E is a new line that does not make stdio write early: all of it is one write.
    __pc_text=${__pc_text//$'\n'/$'\eE> '}
    # The typed launcher is wiped from the screen; only the action's own text stays.
    if [[ $PS1 == "$__pc_ps1" ]]; then
        \builtin printf -v __pc_up '\e[%dA\r\e[J' "$(((56 + ${COLUMNS:-80} - 1) / ${COLUMNS:-80}))"
    fi
    \builtin printf '%s$ %s\eE\e]133;C;%s\a' "$__pc_up" "$__pc_text" "$1" >/dev/tty
    # With `set -e` on, a status other than 0 would end the shell here.
    [[ $__pc_flags == *e* ]] && \builtin return 0
    \builtin return "$__pc_last"
}

# Write the end where it outlives the relay, then mark it. An argument is the status.
__pc_end() {
    \builtin local "__pc_status=${1-$?}" "__pc_cwd=$PWD" "__pc_at=$__pc_id" __pc_i __pc_c -
    \builtin set +vxeufC
    [[ $__pc_at ]] || \builtin return "$__pc_status"
    __pc_id= __pc_in=/dev/null
    if [[ $__pc_cwd == *[!a-zA-Z0-9/._-]* ]]; then
        \builtin local LC_ALL=C
        __pc_c=$__pc_cwd __pc_cwd=
        for ((__pc_i = 0; __pc_i < ${#__pc_c}; __pc_i++)); do
            \builtin printf -v __pc_cwd '%s%%%02X' "$__pc_cwd" "'${__pc_c:__pc_i:1}"
        done
    fi
    \builtin printf 'end %s %s %s .\n' "$__pc_status" "$EPOCHREALTIME" "$__pc_cwd" >>"$__pc_home/claims/$__pc_at"
    \builtin printf '\e]133;D;%s;%s;%s\a' "$__pc_status" "$__pc_at" "$__pc_cwd" >/dev/tty
    : >"$__pc_home/in/$__pc_at"
    # A command may have redirected the shell itself; the terminal has to stay usable. (The
    # redirections of `builtin exec` would not last.)
    [[ -t 0 && -t 1 && -t 2 ]] || \exec </dev/tty >/dev/tty 2>&1
    __pc_mend
    \builtin return "$__pc_status"
}

# Put the marks back where a command or a person changed PS1 or PROMPT_COMMAND.
__pc_mend() {
    [[ ${PROMPT_COMMAND[99]-} == __pc_prompt || ${PROMPT_COMMAND@a} == *r* ]] || PROMPT_COMMAND[99]=__pc_prompt
    [[ ${PS1-} == *'133;B'* || ${PS1@a} == *r* ]] || PS1='\[\e]133;A\a\]'${PS1-}'\[\e]133;B\a\]'
    [[ ${PS0-} == *'133;C'* || ${PS0@a} == *r* ]] || PS0='\e]133;C\a'${PS0-}
}

# Before each prompt: after C-c the rest of the typed line was dropped, so the end is marked here.
__pc_prompt() {
    __pc_last=$?
    \builtin local -
    \builtin set +vxeufC
    [[ -z $__pc_id ]] || __pc_end "$__pc_last"
    __pc_mend
    # Start the prompt on a line of its own when the output did not end one.
    \builtin printf '%*s\r\e[K' "$((${COLUMNS:-80} - 1))" '' >/dev/tty
    \builtin return 0
}

# Say how long the half-typed line is; the relay asks when something was printed at the prompt.
__pc_probe() {
    \builtin printf '\e]133;P;%d\a' "${#READLINE_LINE}" >/dev/tty
}

readonly -f __pc_run __pc_end __pc_mend __pc_prompt __pc_probe
PS1='$ '
PROMPT_COMMAND=([99]=__pc_prompt)
__pc_mend
__pc_ps1=$PS1
readonly __pc_ps1
bind 'set bell-style none'
for __pc_map in emacs vi-insert vi-command; do
    bind -m "$__pc_map" -x '"\e[5;133~": __pc_probe'
done
unset __pc_map
if [[ ${PC_NEW_SHELL-} ]]; then
    printf '[pocketcoder: the shell ended; this is a new one]\n'
    unset PC_NEW_SHELL
fi
