package dev.sluice.testkit.packetdrill;

/** What a script has set on a socket; accepted sockets begin with their listener's. */
final class SocketOptions {
    boolean noDelay;
    boolean keepAlive;
    long keepAliveIdle;
    long keepAliveInterval;
    int keepAliveProbes;
    long synTimeout;
    /** 0 for the default. */
    long userTimeout;

    int maximumSegment;
    int receiveBuffer;
    int sendBuffer;
    boolean reuse;
    /** Seconds to linger; −1 for not to. */
    int linger = -1;

    SocketOptions(Settings settings) {
        keepAliveIdle = settings.keepAliveIdle;
        keepAliveInterval = settings.keepAliveInterval;
        keepAliveProbes = settings.keepAliveProbes;
        synTimeout = settings.synTimeout;
        sendBuffer = settings.sendSpace;
    }

    SocketOptions(SocketOptions other) {
        noDelay = other.noDelay;
        keepAlive = other.keepAlive;
        keepAliveIdle = other.keepAliveIdle;
        keepAliveInterval = other.keepAliveInterval;
        keepAliveProbes = other.keepAliveProbes;
        synTimeout = other.synTimeout;
        userTimeout = other.userTimeout;
        maximumSegment = other.maximumSegment;
        receiveBuffer = other.receiveBuffer;
        sendBuffer = other.sendBuffer;
        reuse = other.reuse;
        linger = other.linger;
    }
}
