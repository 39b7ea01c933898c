package dev.sluice.host;

/** Why a host socket failed, in the terms a guest can be told. */
public enum HostError {
    REFUSED,
    RESET,
    TIMED_OUT,
    NET_UNREACHABLE,
    HOST_UNREACHABLE,
    /** A firewall or the security policy forbids it (EPERM, EACCES). */
    PROHIBITED,
    /** The process or the system has no descriptors left. */
    NO_DESCRIPTORS,
    /** Kernel buffers or ports are used up. */
    NO_RESOURCES,
    ADDRESS_IN_USE,
    /** No interface of this host has the address to listen on. */
    NO_SUCH_ADDRESS,
    MESSAGE_TOO_LONG,
    OTHER
}
