package dev.sluice.cli.face.vpnkit;

import dev.sluice.host.VsockAddress;

/** Where a socket of VPNKit's is, as its flags say it. */
sealed interface Endpoint {
    /** A path to listen at. */
    record Path(String path) implements Endpoint {}

    /** A port of the guest's vsock, behind the socket where HyperKit takes connections for it. */
    record Hyperkit(String path, int port) implements Endpoint {}

    /** A port of vsock, as Linux has it. */
    record Vsock(VsockAddress address) implements Endpoint {}

    /** An inherited descriptor. */
    record Inherited(int number) implements Endpoint {}

    /**
     * Reads {@code PATH}, {@code fd:N}, {@code vsock://[CID]:PORT} or {@code hyperkit://:PORT/PATH}, which is the place where HyperKit
     * connects for a port of the guest's vsock.
     *
     * @throws IllegalArgumentException for what only other systems have
     */
    static Endpoint parse(String url) {
        return parse(url, false);
    }

    /** As {@link #parse(String)} for a place to connect to: {@code hyperkit://:PORT/PATH} is that port of the guest's vsock. */
    static Endpoint connect(String url) {
        return parse(url, true);
    }

    private static Endpoint parse(String url, boolean connects) {
        if (url.matches("fd:[0-9]{1,9}")) {
            return new Inherited(Integer.parseInt(url.substring(3)));
        }
        if (url.startsWith("hyperkit://:")) {
            String rest = url.substring("hyperkit://:".length());
            int slash = rest.indexOf('/');
            if (slash > 0 && rest.substring(0, slash).matches("[0-9]{1,9}")) {
                String folder = rest.substring(slash);
                String path = folder.startsWith("/./") ? folder.substring(3) : folder;
                int port = Integer.parseInt(rest.substring(0, slash));
                return connects
                        ? new Hyperkit(path + "/connect", port)
                        : new Path("%s/00000002.%08x".formatted(path, port));
            }
        }
        if (VsockAddress.isMeant(url)) {
            VsockAddress address = VsockAddress.parse(url);
            if (connects && !address.isOne()) {
                throw new IllegalArgumentException("'" + url + "': which guest? Write vsock://CID:PORT");
            }
            return new Vsock(address);
        }
        if (url.contains("://") || url.startsWith("\\\\")) {
            throw new IllegalArgumentException(
                    "'" + url + "' is an address of another system; here it is a path, fd:N, vsock://CID:PORT or"
                            + " hyperkit://:PORT/PATH");
        }
        return new Path(url);
    }
}
