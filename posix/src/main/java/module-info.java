/** The only place with foreign calls: epoll, tap, sendmsg, namespaces, processes. */
module dev.sluice.posix {
    requires static org.jspecify;

    exports dev.sluice.posix;
}
