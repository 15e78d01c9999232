# The shell integration of the box's panes: prompt marks, and the launcher that runs an action once.
#
#   bash shell.bash --pane           runs the pane's shell, and says when it ended
#   bash --rcfile shell.bash -i      that shell
#   bash shell.bash --log PID        keeps a shell's output in /run/pocketcoder/log (bounded)
#
# The relay writes an action's bytes to /run/pocketcoder/in/ID, reads them back, and only when they
# are what was approved types a key that no keyboard has, and the ID behind it. The key's function
# puts one fixed line on the empty prompt and enters it: claim the action, source its file, mark its
# end. On a line that somebody began to type it does nothing but say so.
# The file is sourced by that line and not by a function, because `declare` in a function would make
# a command's variables local. Nothing here starts a program, since a fork costs more than the rest,
# and what is printed goes in few pieces: each wakes five processes on its way to the host.
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
__pc_next=
__pc_does=
__pc_typed=$'\e]133;C\a'
__pc_entered=$__pc_typed
__pc_filled=
__pc_line=' \__pc_run;\builtin . "$__pc_in";\__pc_end'
readonly __pc_home __pc_line __pc_typed

# The launcher's key: take the action's id, which is typed behind it, and enter the line that runs it;
# on a line that somebody began to type, only say how long that is.
__pc_take() {
    \builtin local -
    \builtin set +vxeuf
    \builtin read -r -t 2 __pc_next
    if [[ $READLINE_LINE ]]; then
        __pc_second redraw-current-line
        __pc_probe
        \builtin return 0
    fi
    __pc_second accept-line
    __pc_entered=
    READLINE_LINE=$__pc_line READLINE_POINT=${#__pc_line}
}

# What the launcher's key does after its function: enter the line, or leave it as it is.
__pc_second() {
    [[ $1 != "$__pc_does" ]] || \builtin return 0
    __pc_does=$1
    \builtin local __pc_map
    for __pc_map in emacs vi-insert vi-command; do
        \builtin bind -m "$__pc_map" "\"\\e[5;136~\": $1"
    done
}

# Claim the action, show its text to whoever is attached, and mark the start. Returns the status of
# the command before it, so that `echo $?` means what it means in any terminal.
__pc_run() {
    \builtin local "__pc_flags=$-" "__pc_at=${__pc_next#"#"}" __pc_text= __pc_up= -
    \builtin set +vxeuf
    __pc_in=/dev/null __pc_id= __pc_entered=$__pc_typed
    [[ $__pc_at == *[!0-9a-f]* || ${#__pc_at} -ne 32 ]] && \builtin return 2
    # noclobber opens with O_EXCL: of two deliveries one gets the claim.
    \builtin set -C
    if ! { \builtin printf 'start %s %s .\n' "$EPOCHREALTIME" "$PPID" >"$__pc_home/claims/$__pc_at"; } 2>/dev/null; then
        \builtin printf '%spocketcoder: %s was claimed before; it does not run again\n' \
            "$__pc_typed" "$__pc_at" >/dev/tty
        \builtin return 2
    fi
    \builtin set +C
    __pc_id=$__pc_at __pc_in=$__pc_home/in/$__pc_at
    IFS= \builtin read -r -N 2000 __pc_text <"$__pc_in"
    ((${#__pc_text} < 2000)) || __pc_text+=' …'
    __pc_text=${__pc_text%$'\n'}
    if [[ $__pc_text == *[![:print:]]* ]]; then
        __pc_text=${__pc_text//[$'\r\v\f']/}
        __pc_text=${__pc_text//[![:print:]$'\n\t']/?}
        # ESC E is a new line that does not make stdio write early: all of it is one write.
        __pc_text=${__pc_text//$'\n'/$'\eE> '}
    fi
    # The typed launcher is wiped from the screen; only the action's own text stays.
    if [[ $PS1 == "$__pc_ps1" ]]; then
        \builtin printf -v __pc_up '\e[%dA\r\e[J' "$(((${#__pc_line} + 2 + ${COLUMNS:-80} - 1) / ${COLUMNS:-80}))"
    fi
    \builtin printf '%s$ %s\eE\e]133;C;%s\a' "$__pc_up" "$__pc_text" "$__pc_at" >/dev/tty
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
    : >"$__pc_home/in/$__pc_at"
    \builtin printf '\e]133;D;%s;%s;%s\a%*s\r\e[K' "$__pc_status" "$__pc_at" "$__pc_cwd" \
        "$((${COLUMNS:-80} - 1))" '' >/dev/tty
    __pc_filled=yes
    # A command may have redirected the shell itself; the terminal has to stay usable. (The
    # redirections of `builtin exec` would not last.)
    [[ -t 0 && -t 1 && -t 2 ]] || \exec </dev/tty >/dev/tty 2>&1
    \builtin return "$__pc_status"
}

# Put the marks back where a command or a person changed PS1 or PROMPT_COMMAND.
__pc_mend() {
    [[ ${PROMPT_COMMAND[99]-} == __pc_prompt || ${PROMPT_COMMAND@a} == *r* ]] || PROMPT_COMMAND[99]=__pc_prompt
    [[ ${PS1-} == *'133;B'* || ${PS1@a} == *r* ]] || PS1='\[\e]133;A\a\]'${PS1-}'\[\e]133;B\a\]'
    [[ ${PS0-} == *'$__pc_entered'* || ${PS0@a} == *r* ]] || PS0='$__pc_entered'${PS0-}
}

# Before each prompt: after C-c the rest of the typed line was dropped, so the end is marked here.
__pc_prompt() {
    __pc_last=$?
    \builtin local -
    \builtin set +vxeufC
    [[ -z $__pc_id ]] || __pc_end "$__pc_last"
    __pc_mend
    # Start the prompt on a line of its own when the output did not end one.
    [[ $__pc_filled ]] || \builtin printf '%*s\r\e[K' "$((${COLUMNS:-80} - 1))" '' >/dev/tty
    __pc_filled=
    \builtin return 0
}

# Say how long the half-typed line is; the relay asks when something was printed at the prompt.
__pc_probe() {
    \builtin printf '\e]133;P;%d\a' "${#READLINE_LINE}" >/dev/tty
}

readonly -f __pc_run __pc_end __pc_mend __pc_prompt __pc_probe __pc_take __pc_second
PS1='$ '
PROMPT_COMMAND=([99]=__pc_prompt)
__pc_mend
__pc_ps1=$PS1
readonly __pc_ps1
bind 'set bell-style none'
for __pc_map in emacs vi-insert vi-command; do
    bind -m "$__pc_map" -x '"\e[5;133~": __pc_probe'
    bind -m "$__pc_map" -x '"\e[5;135~": __pc_take'
    bind -m "$__pc_map" '"\e[5;134~": "\e[5;135~\e[5;136~"'
done
unset __pc_map
__pc_second accept-line
if [[ ${PC_NEW_SHELL-} ]]; then
    printf '[pocketcoder: the shell ended; this is a new one]\n'
    unset PC_NEW_SHELL
fi
