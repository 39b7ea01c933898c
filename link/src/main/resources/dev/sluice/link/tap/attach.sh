# The inside of `sluice attach` for ordinary users: nsenter has put us into the user and network namespace. POSIX sh.
#
#   sh -c THIS sluice TAP MTU ADDRESS/PREFIX GATEWAY CONFIGURE ADDRESS6/PREFIX GATEWAY6
#
# fd 2  collects error text for Sluice        fd 4   our reports to Sluice, one line each
# fd 3  the TAP device, once opened           fd 5   orders from Sluice; its end means that Sluice has gone

PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin

fail() {
    echo "fail $1" >&4
    exit 125
}

read -r pid rest </proc/self/stat || fail self
# A TAP belongs to the network namespace it is opened in. Sluice fetches this descriptor (pidfd_getfd) and makes the interface.
exec 3<>/dev/net/tun
echo "pid $pid" >&4
read -r go <&5 || exit 125
exec 3>&-
if [ "$5" = yes ]; then
    ip link set dev lo up || fail network
    # what is configured by hand needs no second address out of advertisements
    [ -z "$6" ] || (echo 0 >"/proc/sys/net/ipv6/conf/$1/accept_ra") 2>/dev/null
    ip link set dev "$1" mtu "$2" txqueuelen 10000 up || fail network
    ip address add "$3" dev "$1" || fail network
    ip route add default via "$4" dev "$1" onlink || fail network
    # IPv6 may be switched off in here; then there is none
    if [ -n "$6" ] && ip -6 address add "$6" dev "$1" nodad 2>/dev/null && [ -n "$7" ]; then
        ip -6 route add default via "$7" dev "$1" onlink 2>/dev/null
    fi
fi
echo done >&4
