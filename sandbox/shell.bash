# The shell integration of the box's panes: prompt marks, and the launcher that runs an action once.
#
#   bash shell.bash --pane           runs the pane's shell, and says when it ended
#   bash --rcfile shell.bash -i      that shell
#
# The relay lays an action's bytes out as /run/pocketcoder/in/PANE.command and, beside them, PANE.go:
# three lines that claim the action, source its file and mark its end. Then it types a key that no
# keyboard has. The key's function puts one fixed line on the empty prompt and enters it, which
# sources PANE.go; on a line that somebody began to type it does nothing but say so. The key may
# come twice: the claim lets an action run once.
# Both are sourced by that line and not by a function, because `declare` in a function would make
# a command's variables local. Nothing here starts a program, since a fork costs more than the rest,
# and what is printed goes in few pieces: each wakes every process on its way to the host.
#
# Marks are OSC 133, and go to /dev/tty, so `exec >file` cannot hide them. KEY is the shell's own
# random word, so that output which imitates a prompt is not taken for one.
#   S;KEY                    the shell is there
#   A;KEY  B;KEY             around the prompt
#   C;ID  D;STATUS;ID;CWD    around an action         R;ID   an action that was claimed before
#   C;KEY                    a line that a person entered
#   L;KEY;STATUS;CWD;TEXT    that line's end          P;KEY;N  characters on the line that is edited
#   X                        the shell ended

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
[[ $- == *i* ]] || return 0

umask 022
unset HISTFILE
HISTCONTROL=ignorespace
shopt -s checkwinsize
__pc_home=/run/pocketcoder
__pc_go=$__pc_home/in/${TMUX_PANE#%}.go
__pc_command=$__pc_home/in/${TMUX_PANE#%}.command
__pc_history=$__pc_home/shells/$PPID.line
printf -v __pc_key '%08x%08x' "${SRANDOM:-$RANDOM$RANDOM}" "${SRANDOM:-$RANDOM$RANDOM}"
printf '%s' "$__pc_key" >"$__pc_home/shells/$PPID"
__pc_in=/dev/null
__pc_id=
__pc_last=0
__pc_does=
__pc_typed=$'\e]133;C;'$__pc_key$'\a'
__pc_entered=$__pc_typed
__pc_number='\#'
__pc_seen=
__pc_kept=
__pc_filled=
__pc_line=' \builtin . "$__pc_go"'
readonly __pc_home __pc_go __pc_command __pc_history __pc_key __pc_line __pc_typed __pc_number

# The launcher's key: enter the line that runs what the relay laid out; on a line that somebody
# began to type, only say how long that is.
__pc_take() {
    \builtin local -
    \builtin set +vxeuf
    if [[ $READLINE_LINE || ! -r $__pc_go ]]; then
        __pc_second redraw-current-line
        __pc_probe
        \builtin return 0
    fi
    [[ $__pc_does == accept-line ]] || __pc_second accept-line
    __pc_entered=
    READLINE_LINE=$__pc_line READLINE_POINT=${#__pc_line}
}

# What the launcher's key does after its function: enter the line, or leave it as it is.
__pc_second() {
    __pc_does=$1
    \builtin local __pc_map
    for __pc_map in emacs vi-insert vi-command; do
        \builtin bind -m "$__pc_map" "\"\\e[5;136~\": $1"
    done
}

# Claim the action $1, show its text $2 (drawn by the relay) to whoever is attached, and mark the
# start. Returns the status of the command before it, so that `echo $?` means what it means in any
# terminal.
__pc_run() {
    \builtin local "__pc_flags=$-" __pc_up= -
    \builtin set +vxeuf
    __pc_in=/dev/null __pc_id= __pc_entered=$__pc_typed
    # noclobber opens with O_EXCL: of two deliveries one gets the claim.
    \builtin set -C
    if ! \builtin printf 'start %s %s .\n' "$EPOCHREALTIME" "$PPID" >"$__pc_home/claims/$1"; then
        \builtin printf '\e]133;R;%s\a' "$1" >/dev/tty
        \builtin return 2
    fi
    \builtin set +C
    __pc_id=$1 __pc_in=$__pc_command
    # The launcher's line is wiped from the screen; only the action's own text stays.
    if [[ $PS1 == "$__pc_ps1" ]]; then
        \builtin printf -v __pc_up '\e[%dA\r\e[J' "$(((${#__pc_line} + 2 + ${COLUMNS:-80} - 1) / ${COLUMNS:-80}))"
    fi
    \builtin printf '%s%s\e]133;C;%s\a' "$__pc_up" "$2" "$1" >/dev/tty
    # With `set -e` on, a status other than 0 would end the shell here.
    [[ $__pc_flags == *e* ]] && \builtin return 0
    \builtin return "$__pc_last"
}

# Write the end where it outlives the relay, then mark it. An argument is the status.
__pc_end() {
    \builtin local "__pc_status=${1-$?}" "__pc_at=$__pc_id" "__pc_text=$PWD" -
    \builtin set +vxeufC
    [[ $__pc_at ]] || \builtin return "$__pc_status"
    __pc_id= __pc_in=/dev/null
    [[ $__pc_text == *[!a-zA-Z0-9/._-]* ]] && __pc_encode
    \builtin printf 'end %s %s %s .\n' "$__pc_status" "$EPOCHREALTIME" "$__pc_text" >>"$__pc_home/claims/$__pc_at"
    \builtin printf '\e]133;D;%s;%s;%s\a%*s\r\e[K' "$__pc_status" "$__pc_at" "$__pc_text" \
        "$((${COLUMNS:-80} - 1))" '' >/dev/tty
    __pc_filled=yes
    # A command may have redirected the shell itself; the terminal has to stay usable. (The
    # redirections of `builtin exec` would not last.)
    [[ -t 0 && -t 1 && -t 2 ]] || \exec </dev/tty >/dev/tty 2>&1
    \builtin return "$__pc_status"
}

# Write __pc_text as a path is written in a URL.
__pc_encode() {
    \builtin local LC_ALL=C "__pc_raw=$__pc_text" __pc_i
    __pc_text=
    for ((__pc_i = 0; __pc_i < ${#__pc_raw}; __pc_i++)); do
        \builtin printf -v __pc_text '%s%%%02X' "$__pc_text" "'${__pc_raw:__pc_i:1}"
    done
}

# A person's line is over: say what it was, what came of it and where the shell is now.
__pc_tell() {
    \builtin local "__pc_text=$PWD" "__pc_said=" "__pc_entry=" HISTTIMEFORMAT= IFS=$' \t\n'
    [[ $__pc_text == *[!a-zA-Z0-9/._-]* ]] && __pc_encode
    if \builtin history 1 >|"$__pc_history"; then
        \builtin read -r -d '' __pc_entry __pc_said <"$__pc_history"
    fi 2>/dev/null
    # A line that the history does not keep leaves the one before it in place.
    [[ $__pc_entry == "$__pc_kept" ]] && __pc_said=
    __pc_kept=$__pc_entry
    __pc_said=${__pc_said:0:4000}
    __pc_said=${__pc_said//'%'/%25}
    __pc_said=${__pc_said//$'\n'/%0A}
    __pc_said=${__pc_said//$'\t'/%09}
    __pc_said=${__pc_said//[[:cntrl:]]/%3F}
    \builtin printf '\e]133;L;%s;%s;%s;%s\a' "$__pc_key" "$__pc_last" "$__pc_text" "$__pc_said" >/dev/tty
}

# Put the marks back where a command or a person changed PS1 or PROMPT_COMMAND.
__pc_mend() {
    [[ ${PROMPT_COMMAND[99]-} == __pc_prompt || ${PROMPT_COMMAND@a} == *r* ]] || PROMPT_COMMAND[99]=__pc_prompt
    [[ ${PS1-} == *"133;B;$__pc_key"* || ${PS1@a} == *r* ]] \
        || PS1='\[\e]133;A;'$__pc_key'\a\]'${PS1-}'\[\e]133;B;'$__pc_key'\a\]'
    [[ ${PS0-} == *'${__pc_entered}'* || ${PS0@a} == *r* ]] || PS0='${__pc_entered}'${PS0-}
}

# Before each prompt: after C-c the rest of the typed line was dropped, so the end is marked here.
__pc_prompt() {
    __pc_last=$?
    \builtin local "__pc_now=${__pc_number@P}" -
    \builtin set +vxeufC
    if [[ $__pc_id ]]; then
        __pc_end "$__pc_last"
    elif [[ $__pc_seen && $__pc_now != "$__pc_seen" && ! $__pc_filled ]]; then
        __pc_tell
    fi
    __pc_seen=$__pc_now
    __pc_mend
    # Start the prompt on a line of its own when the output did not end one.
    [[ $__pc_filled ]] || \builtin printf '%*s\r\e[K' "$((${COLUMNS:-80} - 1))" '' >/dev/tty
    __pc_filled=
    \builtin return 0
}

# Say how long the half-typed line is; the relay asks when something was printed at the prompt.
__pc_probe() {
    \builtin printf '\e]133;P;%s;%d\a' "$__pc_key" "${#READLINE_LINE}" >/dev/tty
}

# A terminal's answer to a query that some output held (DECRQSS, OSC 10): up to its end it is nothing.
__pc_skip() {
    \builtin local __pc_sign
    while IFS= \builtin read -r -s -N 1 -t 0.2 __pc_sign; do
        [[ $__pc_sign == [$'\a\\'] ]] && \builtin break
    done
}

readonly -f __pc_run __pc_end __pc_encode __pc_tell __pc_mend __pc_prompt __pc_probe __pc_skip __pc_take __pc_second
printf '\e]133;S;%s\a' "$__pc_key"
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
    bind -m "$__pc_map" '"\e[5;137~": kill-whole-line'
done
for __pc_map in emacs vi-insert; do
    bind -m "$__pc_map" '"\e[": skip-csi-sequence'
    bind -m "$__pc_map" -x '"\eP": __pc_skip'
    bind -m "$__pc_map" -x '"\e]": __pc_skip'
done
unset __pc_map
__pc_second accept-line
if [[ ${PC_NEW_SHELL-} ]]; then
    printf '[pocketcoder: the shell ended; this is a new one]\n'
    unset PC_NEW_SHELL
fi
