# The inside of `sluice run`: the first process of the new namespaces. POSIX sh, read by ChildNamespace.
#
#   sh -c THIS sluice MODE TAP MTU ADDRESS/PREFIX GATEWAY ADDRESS6/PREFIX GATEWAY6 PINGRANGE RESOLVCONF FILES COMMAND [ARG…]
#
# MODE      pid: we are process 1 of a new process namespace; nopid: there is none, processes are found by their network
# fd 2      collects error text for Sluice        fd 4   our reports to Sluice, one line each
# fd 3      the TAP device, once opened           fd 5   orders from Sluice; its end means that Sluice has gone
# fd 6      the user's standard error
#
# Variables have a prefix, since assigning to a name that the environment has would change it for the command.

_sl_mode=$1 _sl_tap=$2 _sl_mtu=$3 _sl_address=$4 _sl_gateway=$5 _sl_address6=$6 _sl_gateway6=$7 _sl_ping=$8 _sl_resolv=$9
shift 9
# How many descriptors the command may open; empty where that is left alone.
_sl_files=$1
shift
# What the command shall find as LC_ALL; until then it is C, for Sluice to read what is said here.
_sl_locale=${SLUICE_LC_ALL-}
unset SLUICE_LC_ALL
# ip and mount may lie where users do not look
_sl_path=${PATH-}
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin

_sl_fail() {
    echo "fail $1" >&4
    exit 125
}

# Sluice knows us by the number we have outside: read it before /proc shows the new process namespace.
read -r _sl_pid _sl_rest </proc/self/stat || _sl_fail self
if [ "$_sl_mode" = pid ]; then
    mount -t proc proc /proc || _sl_fail proc
fi

# A TAP belongs to the network namespace it is opened in. Sluice fetches this descriptor (pidfd_getfd) and makes the interface.
exec 3<>/dev/net/tun
echo "pid $_sl_pid" >&4

# While Sluice makes it, all that does not need it.
#
# Names: our resolv.conf over the host's, in this mount namespace only. The file lives on a memory file system that has no path
# once it is bound. Where it is at first it hides what the host's may be a link to (in WSL, to /mnt/wsl): then another place will do.
_sl_names() {
    [ -d "$1" ] && mount -t tmpfs -o size=64k,mode=755 tmpfs "$1" || return
    (umask 022 && printf '%s' "$_sl_resolv" >"$1/resolv.conf")
    mount --bind "$1/resolv.conf" /etc/resolv.conf
    set -- "$1" $?
    umount -l "$1"
    return "$2"
}
_sl_names /mnt 2>/dev/null || _sl_names /tmp 2>/dev/null || _sl_names /run || echo "lack names" >&4
# Local services that would answer name look-ups from the host's side of the wall.
for _sl_socket in /run/systemd/resolve/io.systemd.Resolve /run/nscd/socket; do
    [ -S "$_sl_socket" ] && mount --bind /dev/null "$_sl_socket"
done
# ping without privileges, best effort: (the redirection fails first where the file may not be written)
(echo "$_sl_ping" >/proc/sys/net/ipv4/ping_group_range) 2>/dev/null

# Now the interface is there.
read -r _sl_go <&5 || exit 125
exec 3>&-
# What is configured by hand needs no second address out of advertisements; where this may not be said, it does no harm.
[ -z "$_sl_address6" ] || (echo 0 >"/proc/sys/net/ipv6/conf/$_sl_tap/accept_ra") 2>/dev/null
# In one go where that can be: each program costs the start some milliseconds.
ip -batch - <<EOF || _sl_fail network
link set dev lo up
link set dev $_sl_tap mtu $_sl_mtu txqueuelen 10000 up
address add $_sl_address dev $_sl_tap
route add default via $_sl_gateway dev $_sl_tap onlink
EOF
_sl_route6=${_sl_gateway6:+route replace default via $_sl_gateway6 dev $_sl_tap onlink}
if [ -n "$_sl_address6" ] && ! ip -6 -batch - 2>/dev/null <<EOF; then
address replace $_sl_address6 dev $_sl_tap nodad
$_sl_route6
EOF
    if ip -6 address replace "$_sl_address6" dev "$_sl_tap" nodad 2>/dev/null; then
        echo "note ipv6: no default route" >&4
    else
        echo "note ipv6: switched off in here" >&4
    fi
fi

# Kills every process of this network namespace but this one, the main shell and unshare. Only for MODE nopid.
_sl_sweep() {
    read -r _sl_self _sl_rest </proc/self/stat
    _sl_net=$(readlink /proc/self/ns/net)
    for _sl_process in /proc/[0-9]*; do
        _sl_process=${_sl_process#/proc/}
        [ "$_sl_process" = "$_sl_self" ] || [ "$_sl_process" = "$$" ] || [ "$_sl_process" = "$PPID" ] && continue
        if [ "$(readlink "/proc/$_sl_process/ns/net")" = "$_sl_net" ]; then
            kill -s KILL "$_sl_process"
        fi
    done
} 2>/dev/null

# The watcher: passes on signals that Sluice got ("15 7": signal, process), and when Sluice is gone, however that came, lets nothing live on.
# Again and again, for the command might be starting just now; the watcher itself dies with process 1.
(
    trap '' HUP INT QUIT TERM TSTP
    while read -r _sl_signal _sl_target; do
        kill "-$_sl_signal" "$_sl_target"
    done
    while :; do
        if [ "$_sl_mode" = pid ]; then
            kill -s KILL -- -1
        else
            _sl_sweep
            kill -s 0 "$$" || exit
        fi
        sleep 1
    done
) <&5 5<&- 4>&- 6>&- >/dev/null 2>&1 &

# The keyboard's signals are for the command; a trap, unlike ignoring, is not inherited by it.
trap : INT QUIT
# In the foreground: a background job would lose the terminal as its standard input.
(
    read -r _sl_self _sl_rest </proc/self/stat
    [ -z "$_sl_files" ] || ulimit -S -n "$_sl_files"
    if [ -n "$_sl_locale" ]; then LC_ALL=$_sl_locale; else unset LC_ALL; fi
    echo "run $_sl_self" >&4
    exec 2>&6 4>&- 5<&- 6>&-
    PATH=$_sl_path
    exec "$@"
)
_sl_code=$?
[ "$_sl_mode" = pid ] || _sl_sweep
# Without this line Sluice knows that we were killed; unshare may tell that as any number.
echo "end $_sl_code" >&4
exit "$_sl_code"
