package dev.sluice.testkit.packetdrill;

/** What a script has set on a socket; accepted sockets begin with their listener's. */
final class SocketOptions {
    static final int DEFAULT_TTL = 64;
    private static final long FIN_WAIT_2 = 60_000_000_000L;

    boolean noDelay;
    boolean cork;
    /** How long a listener keeps back connections that say nothing; 0 for not at all. */
    long deferral;

    boolean keepAlive;
    long keepAliveIdle;
    long keepAliveInterval;
    int keepAliveProbes;
    long synTimeout;
    /** 0 for the default. */
    long userTimeout;

    /** Segments carry no TCP options, and those of the peer are not used. */
    boolean noOptions;

    int maximumSegment;
    int receiveBuffer;
    int sendBuffer;
    boolean reuse;
    /** Seconds to linger; −1 for not to. */
    int linger = -1;
    /** Of the IP header; the ECN codepoint is the stack's. */
    int trafficClass;

    /** The port from which it connects unless it is bound; 0 for any that is free. */
    int onlyPort;

    int ttl = DEFAULT_TTL;
    /** How long FIN-WAIT-2 lasts after a close. */
    long finWait2 = FIN_WAIT_2;
    /** Reading tells how much is left. */
    boolean tellsQueue;

    SocketOptions(Settings settings) {
        keepAliveIdle = settings.keepAliveIdle;
        keepAliveInterval = settings.keepAliveInterval;
        keepAliveProbes = settings.keepAliveProbes;
        synTimeout = settings.synTimeout;
        sendBuffer = settings.sendSpace;
    }

    SocketOptions(SocketOptions other) {
        noDelay = other.noDelay;
        cork = other.cork;
        keepAlive = other.keepAlive;
        keepAliveIdle = other.keepAliveIdle;
        keepAliveInterval = other.keepAliveInterval;
        keepAliveProbes = other.keepAliveProbes;
        synTimeout = other.synTimeout;
        userTimeout = other.userTimeout;
        noOptions = other.noOptions;
        maximumSegment = other.maximumSegment;
        receiveBuffer = other.receiveBuffer;
        sendBuffer = other.sendBuffer;
        reuse = other.reuse;
        linger = other.linger;
        trafficClass = other.trafficClass;
        ttl = other.ttl;
        finWait2 = other.finWait2;
        tellsQueue = other.tellsQueue;
    }
}
