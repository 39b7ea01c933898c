package dev.sluice.cli.face.vpnkit;

/** Where a socket of VPNKit's is, as its flags say it. */
sealed interface Endpoint {
    /** A path to listen at. */
    record Path(String path) implements Endpoint {}

    /** An inherited descriptor. */
    record Inherited(int number) implements Endpoint {}

    /**
     * Reads {@code PATH}, {@code fd:N} or {@code hyperkit://:PORT/PATH}, which is the place where HyperKit connects for a port of the
     * guest's vsock.
     *
     * @throws IllegalArgumentException for what only other systems have
     */
    static Endpoint parse(String url) {
        if (url.matches("fd:[0-9]{1,9}")) {
            return new Inherited(Integer.parseInt(url.substring(3)));
        }
        if (url.startsWith("hyperkit://:")) {
            String rest = url.substring("hyperkit://:".length());
            int slash = rest.indexOf('/');
            if (slash > 0 && rest.substring(0, slash).matches("[0-9]{1,9}")) {
                String folder = rest.substring(slash);
                String path = folder.startsWith("/./") ? folder.substring(3) : folder;
                return new Path("%s/00000002.%08x".formatted(path, Integer.parseInt(rest.substring(0, slash))));
            }
        }
        if (url.contains("://") || url.startsWith("\\\\")) {
            throw new IllegalArgumentException(
                    "'" + url + "' is an address of another system; here it is a path, fd:N or hyperkit://:PORT/PATH");
        }
        return new Path(url);
    }
}
