# The box's way in over SSH: one sshd for one connection, and what may be done in it.
#
#   bash ssh.bash serve KEY OPTION…   sshd on this program's input and output; KEY is the host key's
#                                     file in what the host hands in
#   bash ssh.bash session             what sshd starts for whoever came in, whatever they asked for
#
# The host writes the options and the list of keys; nothing in the box can change either. The host
# key lies in the open in the box, whose user sshd runs as: it tells this box from others, no more.

home=/run/pocketcoder
sftp="/usr/lib/openssh/sftp-server -d /workspace"

serve() {
    local key=$1 copy sshd=/usr/sbin/sshd
    shift
    [[ -x $sshd ]] || { echo "pocketcoder: no sshd in the box" >&2; exit 3; }
    [[ -r $key ]] || { echo "pocketcoder: nothing is handed in" >&2; exit 4; }
    # sshd wants a host key that nobody else can read, and its owner may have another number here.
    umask 077
    copy=$(mktemp "$home/host_key.XXXXXX") && cat -- "$key" >"$copy" &&
        mv -- "$copy" "$home/host_key" || exit 5
    umask 022
    if ((EUID == 0)); then
        mkdir -p -m 0755 /run/sshd
        unprivileged "$sshd" "$@" -h "$home/host_key"
    fi
    exec "$sshd" "$@" -h "$home/host_key"
}

# sshd that runs as 0 gives up privileges before it speaks to anybody: chroot and setgroups. Here 0
# has none (no capability), so both fail, and sshd ends. For this one program and what it starts they
# do nothing and say that they did it: a seccomp(2) filter that answers 0. The user "sshd", who it
# then becomes, is 0 too (container.py). It would also end for want of the kernel's audit log, unless
# there is none at all: its socket (AF_NETLINK, 16) is answered with EAFNOSUPPORT (97). The numbers
# are those of the machine's audit architecture, prctl, chroot, setgroups and socket.
unprivileged() {
    command -v perl >/dev/null || { echo "pocketcoder: no perl in the box" >&2; exit 3; }
    exec perl -e '
        my %known = (x86_64 => [0xC000003E, 157, 161, 116, 41],
            aarch64 => [0xC00000B7, 167, 51, 159, 198]);
        my ($arch, $prctl, @calls) = @{$known{shift @ARGV} or exit 6};
        my @steps = ([0x20, 0, 0, 4], [0x15, 0, 8, $arch], [0x20, 0, 0, 0],
            [0x15, 4, 0, $calls[0]], [0x15, 3, 0, $calls[1]], [0x15, 0, 4, $calls[2]],
            [0x20, 0, 0, 16], [0x15, 1, 2, 16],
            [0x06, 0, 0, 0x00050000], [0x06, 0, 0, 0x00050000 + 97], [0x06, 0, 0, 0x7fff0000]);
        my $filter = join "", map { pack "SCCL", @$_ } @steps;
        my $program = pack "Sx![P]P", scalar @steps, $filter;
        exit 6 if syscall($prctl, 22, 2, $program, 0, 0) != 0;
        exec @ARGV or exit 6' "$(uname -m)" "$@"
}

session() {
    case ${SSH_ORIGINAL_COMMAND-} in
    "")
        if [[ ! -t 0 ]]; then
            echo "pocketcoder: the terminal needs a terminal: ssh -t" >&2
            exit 1
        fi
        # What the person's terminal is called may be unknown here.
        [[ -e /usr/share/terminfo/${TERM:0:1}/$TERM || -e /lib/terminfo/${TERM:0:1}/$TERM ]] ||
            export TERM=xterm-256color
        exec tmux -u -S "$home/tmux.sock" attach-session -t =pocketcoder
        ;;
    "$sftp")
        umask 022
        exec $sftp
        ;;
    esac
    echo "pocketcoder: only the terminal and sftp are to be had here" >&2
    exit 1
}

case ${1-} in
serve) shift && serve "$@" ;;
session) session ;;
esac
exit 2
