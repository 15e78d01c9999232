# The shell integration of the box's panes: prompt marks, and the launcher that runs an action once.
#
#   bash shell.bash --pane           runs the pane's shell, and says when it ended
#   bash --rcfile shell.bash -i      that shell
#   bash shell.bash --log PID        keeps a shell's output in /run/pocketcoder/log (bounded)
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
# Marks are OSC 133: A and B around the prompt, C;ID and D;STATUS;ID;CWD around an action, R;ID for
# one that was claimed before, a bare C for a line that a person typed, P the probe's answer, X the
# shell's end. They go to /dev/tty, so `exec >file` cannot hide them.

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
    # With perl one process does it, and rests 20 ms after it has caught up: a wake-up for each
    # small print costs as much as the print. Without it `cat` writes what it reads at once.
    cd /run/pocketcoder/log || exit
    ls -t | tail -n +16 | xargs -r rm -f --
    command -v perl >/dev/null && exec perl -e '
        my ($name, $number, $room, $out) = ($ARGV[0], 0, 0);
        while (my $got = sysread(STDIN, my $data, 65536)) {
            for (my $at = 0; $at < $got;) {
                if (!$room) {
                    open($out, ">", sprintf("%s.%06d", $name, $number)) or exit 1;
                    unlink(sprintf("%s.%06d", $name, $number - 5)) if $number >= 5;
                    ($number, $room) = ($number + 1, 1 << 20);
                }
                my $size = $got - $at < $room ? $got - $at : $room;
                my $wrote = syswrite($out, $data, $size, $at) or exit 1;
                ($at, $room) = ($at + $wrote, $room - $wrote);
            }
            select(undef, undef, undef, 0.02) if $got < 65536;
        }' "${2:?}"
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
__pc_go=$__pc_home/in/${TMUX_PANE#%}.go
__pc_command=$__pc_home/in/${TMUX_PANE#%}.command
__pc_in=/dev/null
__pc_id=
__pc_last=0
__pc_does=
__pc_typed=$'\e]133;C\a'
__pc_entered=$__pc_typed
__pc_filled=
__pc_line=' \builtin . "$__pc_go"'
readonly __pc_home __pc_go __pc_command __pc_line __pc_typed

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
