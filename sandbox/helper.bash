# What the relay has done inside the box beside the panes' shells; bash alone is needed.
#
#   bash helper.bash log NAME        keeps what comes in as /run/pocketcoder/log/NAME.NUMBER (bounded)
#   bash helper.bash waits PID       says whether the foreground of the pane of shell PID reads its
#                                    terminal: input (it waits for a line), keys (for single keys), no;
#                                    gone when that shell has ended
#   bash helper.bash jobs            lists the processes, one a record that ends in NUL
#   bash helper.bash stop PID        ends a process and its group: TERM, and KILL after two seconds

# The fields of /proc/PID/stat behind the program's name, which may hold anything (proc(5)):
# state ppid pgrp session tty tpgid flags ... starttime is the twentieth of these.
stat_of() {
    local line
    { IFS= read -r line <"/proc/$1/stat"; } 2>/dev/null || return
    read -r -a fields <<<"${line##*) }"
}

case ${1-} in
log)
    # Pieces of 1 MiB; the newest five stay, and of earlier shells' logs the newest fifteen files.
    # With perl one process does it, and rests 20 ms after it has caught up: a wake-up for each
    # small print costs as much as the print. While much is coming it rests seldom, because tmux
    # holds all that was not read yet. Without perl `cat` writes what it reads at once.
    cd /run/pocketcoder/log || exit
    ls -t | tail -n +16 | xargs -r rm -f --
    command -v perl >/dev/null && exec perl -e '
        my ($name, $number, $room, $awake, $out) = ($ARGV[0], 0, 0, 0);
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
            if ($got > 16384) { $awake = 64 }
            elsif ($awake) { $awake-- }
            else { select(undef, undef, undef, 0.02) }
        }' "${2:?}"
    export SHELL=/bin/bash
    exec split -b 1M -a 6 -d --filter='exec /bin/bash /opt/pocketcoder/helper.bash keep "$FILE"' - "${2:?}."
    ;;
keep)
    number=$((10#${2##*.} - 4))
    ((number >= 0)) && printf -v old '%s.%06d' "${2%.*}" "$number" && rm -f -- "$old"
    exec cat >"$2"
    ;;
waits)
    stat_of "${2:?}" && [[ ${fields[0]} != [ZX] ]] || { echo gone; exit; }
    group=${fields[5]} tty=$(readlink "/proc/$2/fd/0")
    for process in /proc/[0-9]*; do
        stat_of "${process##*/}" && [[ ${fields[2]} == "$group" && ${fields[0]} == S ]] || continue
        { read -r where <"$process/wchan"; read -r call what _ <"$process/syscall"; } 2>/dev/null
        case ${where:-0} in
        wait_woken | *tty_read*)
            # A read of something: of the terminal, when the call's first argument is open on it.
            [[ $what == 0x* && $(readlink "$process/fd/$((what))") == "$tty" ]] && { echo input; exit; }
            ;;
        *poll* | *select*)
            # It waits for one of several things; a terminal that hands on single keys is one.
            [[ $(stty -a -F "$tty" 2>/dev/null) == *-icanon* ]] && { echo keys; exit; }
            ;;
        0 | '')
            # A kernel that does not say (gVisor): keys only.
            [[ $(stty -a -F "$tty" 2>/dev/null) == *-icanon* ]] && { echo keys; exit; }
            ;;
        esac
    done
    echo no
    ;;
jobs)
    read -r now _ </proc/uptime
    for process in /proc/[0-9]*; do
        pid=${process##*/}
        stat_of "$pid" || continue
        words=
        while IFS= read -r -d '' word || [[ $word ]]; do words+="$word "; done 2>/dev/null <"$process/cmdline"
        printf '%s %s %s %s %s %s %s\0' "$pid" "${fields[1]}" "${fields[2]}" "${fields[4]}" "${fields[5]}" \
            "$((${now%.*} - fields[19] / 100))" "${words:0:400}"
    done
    ;;
stop)
    stat_of "${2:?}" || exit 1
    kill -TERM -- "-${fields[2]}" 2>/dev/null || kill -TERM "$2" || exit 1
    for ((i = 0; i < 20; i++)); do
        kill -0 "$2" 2>/dev/null || exit 0
        sleep 0.1
    done
    kill -KILL -- "-${fields[2]}" 2>/dev/null || kill -KILL "$2"
    exit 0
    ;;
esac
